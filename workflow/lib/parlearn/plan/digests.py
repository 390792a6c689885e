"""Digests of what a script runs in: its code, that of the library it imports, its environment.

A rule that carries these digests as parameters runs again when its code changes in substance, two
imports deep as well, and not when a comment, a docstring or a file's date changes. Imports are
read from the syntax tree and never carried out, so that the digest is quick and imports nothing.
Imports made by computed names are invisible to it: the library makes none, and a script that does
has the modules it may import named beside it.
"""

import ast
import hashlib
import json
from functools import cache
from pathlib import Path

import yaml

LIBRARY = Path(__file__).resolve().parents[1]
DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def source_hash(script, *named, library=LIBRARY) -> str:
    """Digest of a script and of every module of the package `library` it imports, directly or not.

    A file that lies beside a module and is named in it (a kernel in C++, a table) counts as well.

    Parameters
    ----------
    named : dotted names inside the library, as ``plots.curves``, of modules that the script imports
        by computed names

    Raises
    ------
    FileNotFoundError
        Where a module so named is not there.
    """
    library = Path(library).resolve()
    digest = hashlib.sha256(_content(Path(script)))
    for module in sorted(modules(script, *named, library=library)):
        digest.update(module.relative_to(library.parent).as_posix().encode())
        digest.update(_content(module))
    return digest.hexdigest()[:16]


def modules(script, *named, library=LIBRARY) -> set[Path]:
    """Files of the package `library` that a script reads when it runs; `named` as above."""
    library = Path(library).resolve()
    found = set().union(*(_named_module(name, library) for name in named))
    waiting = [Path(script).resolve(), *found]
    while waiting:
        path = waiting.pop()
        for other in _imports(path, library) | _named_files(path, library):
            if other not in found:
                found.add(other)
                if other.suffix == ".py":
                    waiting.append(other)
    return found


def env_hash(path) -> str:
    """Digest of an environment file: channels and packages, without its comments."""
    content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _content(path: Path) -> bytes:
    return _dump(path, path.stat().st_mtime_ns) if path.suffix == ".py" else path.read_bytes()


@cache
def _dump(path: Path, _mtime: int) -> bytes:
    tree = _tree(path, _mtime)
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body[0].value.value = ""
    return ast.dump(tree).encode()


@cache
def _tree(path: Path, _mtime: int) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def _imports(path: Path, library: Path) -> set[Path]:
    """Module files of the library that one file imports, with the packages above them."""
    found = set()
    for level, parts in _read(path, path.stat().st_mtime_ns)[0]:
        if level:
            if library not in path.parents:
                continue
            package = path.relative_to(library.parent).parent.parts
            parts = *package[: len(package) - level + 1], *parts
        found |= _resolve(parts, library)
    return found


@cache
def _read(path: Path, _mtime: int) -> tuple[frozenset[tuple], frozenset[str]]:
    """What one file imports, as (level, dotted name in parts), and the plain strings in it.

    A module is asked for by nearly every rule, and to walk its tree is what takes time.
    """
    imports, strings = set(), set()
    for node in ast.walk(_tree(path, _mtime)):
        if isinstance(node, ast.Import):
            imports |= {(0, tuple(alias.name.split("."))) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = node.module.split(".") if node.module else []
            imports |= {(node.level, (*start, alias.name)) for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            strings.add(node.value)
    return frozenset(imports), frozenset(strings)


def _named_module(name: str, library: Path) -> set[Path]:
    path = library.joinpath(*name.split(".")).with_suffix(".py")
    if not path.is_file():
        raise FileNotFoundError(f"there is no module {path}: write it or correct its name")
    return _resolve([library.name, *name.split(".")], library)


def _resolve(parts, library: Path) -> set[Path]:
    """Files read by ``import a.b.c``; the last part may be a name inside a module instead."""
    if not parts or parts[0] != library.name:
        return set()
    found = set()
    for n in range(1, len(parts) + 1):
        base = library.parent.joinpath(*parts[:n])
        found |= {f for f in (base / "__init__.py", base.with_suffix(".py")) if f.is_file()}
    return found


def _named_files(path: Path, library: Path) -> set[Path]:
    """Files beside a library module whose names stand in it as plain strings."""
    if library not in path.parents:
        return set()
    folder = path.parent
    strings = _read(path, path.stat().st_mtime_ns)[1]
    return {folder / name for name in _no_modules(folder, folder.stat().st_mtime_ns) & strings}


@cache
def _no_modules(folder: Path, _mtime: int) -> frozenset[str]:
    """Names of the files in a folder that are no modules."""
    return frozenset(f.name for f in folder.iterdir() if f.suffix != ".py" and f.is_file())
