"""The results as a Workflow Run RO-Crate: the workflow, its inputs and its outputs.

Profiles: Process Run Crate 0.5, Workflow Run Crate 0.5, Workflow RO-Crate 1.0, on RO-Crate 1.1
(https://w3id.org/ro/wfrun/workflow/0.5). The crate holds copies of the project's files, of figures,
tables, claims and learned parameters; ``manifest.json`` in it lists all other files.
"""

import mimetypes
import shutil
from collections.abc import Mapping
from pathlib import Path

from rocrate.model import ContextEntity
from rocrate.rocrate import ROCrate

from parlearn.audit.lineage import finals
from parlearn.audit.tree import Tree
from parlearn.plan.places import is_twin
from parlearn.storage.files import read_json, write_json

METADATA = "ro-crate-metadata.json"
PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
#: terms of the profiles, sha256 among them
CONTEXT = "https://w3id.org/ro/terms/workflow-run/context"
BIOSCHEMAS = "https://bioschemas.org/profiles"
#: folders of the crate, made anew by each audit
PROJECT, OUTPUTS = "project", "outputs"
PARTS = ("Snakefile", "LICENSE", "README.md", "requirements.lock", "pyproject.toml")
FOLDERS = ("config", "envs", "profiles", "resources", "workflow")
TYPES = {".nc": "application/netcdf", ".md": "text/markdown", ".csv": "text/csv"}


def write_crate(folder, tree: Tree, instance: Mapping, created: str) -> Path:
    """Write the crate into the folder of the audit, whose page and manifest are there already.

    Parameters
    ----------
    instance : as for :func:`parlearn.audit.inspect.inspect`; beside it ``config``, the whole
        configuration, and ``urls``, path -> address of pinned raw files
    """
    folder = Path(folder)
    for name in (PROJECT, OUTPUTS):
        shutil.rmtree(folder / name, ignore_errors=True)
    crate = ROCrate(version="1.1")
    crate.metadata.extra_contexts.append(CONTEXT)
    title = f"parlearn, {instance['name']}: {instance['about']}"
    crate.name, crate.datePublished = title, created
    crate.description = (
        f"{title}. Parameters of land-surface models learned from observations: the workflow, its "
        "configuration, figures, tables, claims and learned parameters, with checksums and the "
        f"audit of all files. {instance['note']}"
    )
    crate.license = "https://spdx.org/licenses/MIT"
    profiles = [
        crate.add(ContextEntity(crate, uri, {"@type": "CreativeWork", "name": n, "version": v}))
        for uri, (n, v) in PROFILES.items()
    ]
    crate.root_dataset["conformsTo"] = profiles
    commits = {f.stamp.get("commit") for f in tree.made.values() if f.stamp}
    workflow = _add_project(crate, folder, tree.root, ", ".join(sorted(filter(None, commits))))
    write_json(instance["config"], folder / "configuration.json")
    given = [_add_file(crate, folder, "configuration.json", "the whole configuration")]
    given += _inputs(crate, folder, tree, instance)
    made = [_copy(crate, folder, tree, path) for path in _outputs(tree)]
    for name, text in (("audit.md", "the audit, for people"), ("manifest.json", "all files")):
        _add_file(crate, folder, name, text)
    _describe(crate, workflow, given, made)
    stamps = [file.stamp for file in tree.made.values() if file.stamp]
    times = sorted(stamp["created"] for stamp in stamps if stamp.get("created"))
    about = {
        "@type": "CreateAction",
        "name": f"Run of {instance['name']}",
        "description": "All jobs of the workflow; each file's own stamp names its rule and inputs",
        "startTime": times[0] if times else created,
        "endTime": times[-1] if times else created,
    }
    action = crate.add(ContextEntity(crate, "#run", about))
    action["instrument"] = workflow
    action["object"] = given
    action["result"] = made
    crate.root_dataset["mentions"] = action
    write_json(crate.metadata.generate(), folder / METADATA)
    return folder / METADATA


def check_crate(folder) -> list[str]:
    """What a written crate lacks of the profile, read back; empty where it is sound."""
    folder = Path(folder)
    crate = ROCrate(folder)
    lacking = []
    told = {profile.id for profile in _each(crate.root_dataset.get("conformsTo"))}
    lacking += [f"the root conforms to no {uri}" for uri in PROFILES if uri not in told]
    lacking += [
        f"the root has no {name}"
        for name in ("name", "description", "license", "datePublished")
        if not crate.root_dataset.get(name)
    ]
    workflow = crate.mainEntity
    types = {"File", "SoftwareSourceCode", "ComputationalWorkflow"}
    if workflow is None or not types <= {*_each(workflow.type)}:
        lacking.append("there is no main workflow")
    elif not workflow.get("programmingLanguage"):
        lacking.append("the workflow has no language")
    # what is named and not described is read as a text
    told = [e for e in _each(crate.root_dataset.get("mentions")) if not isinstance(e, str)]
    actions = [entity for entity in told if entity.type == "CreateAction"]
    if not actions:
        lacking.append("the root mentions no run of the workflow")
    for action in actions:
        if action.get("instrument") is not workflow:
            lacking.append(f"{action.id} does not run the main workflow")
        lacking += [f"{action.id} has no {n}" for n in ("object", "endTime") if not action.get(n)]
    ids = {entity["@id"] for entity in read_json(folder / METADATA)["@graph"]}
    for entity in crate.data_entities:
        here = not entity.id.startswith(("http://", "https://"))
        if here and not (folder / entity.id).exists():
            lacking.append(f"{entity.id} is named and not there")
        if entity.id not in ids:
            lacking.append(f"{entity.id} is not described")
    return lacking


def _add_project(crate: ROCrate, folder: Path, root: Path, version: str):
    """Copies of the project's files; the Snakefile is the main entity."""
    leave = shutil.ignore_patterns("__pycache__", "raw", ".*")
    (folder / PROJECT).mkdir(parents=True)
    for name in PARTS:
        if (root / name).is_file():
            shutil.copyfile(root / name, folder / PROJECT / name)
            if name != "Snakefile":
                _add_file(crate, folder, f"{PROJECT}/{name}", name)
    for name in FOLDERS:
        if (root / name).is_dir():
            shutil.copytree(root / name, folder / PROJECT / name, ignore=leave)
            about = {"name": name, "description": f"{name} of the project"}
            crate.add_dataset(folder / PROJECT / name, f"{PROJECT}/{name}/", properties=about)
    snakefile = f"{PROJECT}/Snakefile"
    about = {
        "name": "parlearn",
        "version": version,
        "encodingFormat": "text/plain",
        "conformsTo": {"@id": f"{BIOSCHEMAS}/ComputationalWorkflow/1.0-RELEASE"},
    }
    return crate.add_workflow(
        folder / snakefile, snakefile, main=True, lang="snakemake", properties=about
    )


def _inputs(crate: ROCrate, folder: Path, tree: Tree, instance: Mapping) -> list:
    """Raw files by their addresses, frozen lists of granules, the seed of a twin."""
    given = []
    for path, url in instance["urls"].items():
        if checksum := tree.checksum(path):
            size = (tree.root / path).stat().st_size
            about = {"name": path, "sha256": checksum, "contentSize": str(size)}
            given.append(crate.add_file(url, fetch_remote=False, properties=about))
    for path in tree.of_rule("list_granules"):
        given.append(_copy(crate, folder, tree, path))
    source = instance["config"]["source"]
    if is_twin(source):
        about = {"@type": "PropertyValue", "name": "seed of the twin", "value": str(source["seed"])}
        given.append(crate.add(ContextEntity(crate, "#seed", about)))
    return given


def _outputs(tree: Tree) -> list[str]:
    """What people look at, and what was learned."""
    runs = f"{tree.results}/runs/"
    learned = [p for p in tree.made if p.startswith(runs) and p.endswith("/parameters.nc")]
    return [*finals(tree), *learned]


def _copy(crate: ROCrate, folder: Path, tree: Tree, path: str):
    file = tree.files[path]
    target = f"{OUTPUTS}/{path.removeprefix(f'{tree.results}/')}"
    (folder / target).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(tree.root / path, folder / target)
    what = f"made by {file.stamp['rule']}" if file.stamp else "of unknown origin"
    return _add_file(crate, folder, target, what, sha256=file.sha256)


def _add_file(crate: ROCrate, folder: Path, name: str, description: str, **more):
    path = folder / name
    about = {
        "name": path.name,
        "description": description,
        "contentSize": str(path.stat().st_size),
        "encodingFormat": TYPES.get(path.suffix)
        or mimetypes.guess_type(path.name)[0]
        or "application/octet-stream",
        **more,
    }
    return crate.add_file(path, name, properties=about)


def _describe(crate: ROCrate, workflow, given: list, made: list) -> None:
    """What the workflow takes and gives, as formal parameters of which these are examples."""
    for slot, name, kind, some in (
        ("input", "inputs", "File", given),
        ("output", "results", "File", made),
    ):
        about = {
            "@type": "FormalParameter",
            "additionalType": kind,
            "name": name,
            "conformsTo": {"@id": f"{BIOSCHEMAS}/FormalParameter/1.0-RELEASE"},
            "multipleValues": "True",
        }
        parameter = crate.add(ContextEntity(crate, f"#{name}", about))
        workflow[slot] = parameter
        for entity in (e for e in some if e.type == "File"):
            entity["exampleOfWork"] = parameter


def _each(value) -> list:
    return [] if value is None else value if isinstance(value, list) else [value]
