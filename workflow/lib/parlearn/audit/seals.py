"""Holds what jobs keep for later ones (weights of regridding, checkpoints) against their seals."""

from pathlib import Path

from parlearn.audit.findings import Check, asks
from parlearn.audit.tree import KEPT, UNFINISHED, Tree
from parlearn.storage.sealed import UNUSABLE, SealError, opened


@asks("seals", "Is what jobs keep for later ones what was sealed?")
def check_seals(check: Check, tree: Tree) -> None:
    """Weights of regridding and checkpoints have the checksums of their seals."""
    for path, file in tree.files.items():
        name = Path(path).name
        # what a job was writing when it was killed nobody reads
        if file.kind not in (KEPT, UNFINISHED) or name.startswith("."):
            continue
        if name.endswith(UNUSABLE):
            check.notes.append(f"{path}: set aside, since it was damaged; you may delete it")
            continue
        check.looked_at += 1
        with check.at(path):
            try:
                owner = opened(tree.root / path)[1]["owner"]
            except SealError as error:
                check.wrong(path, f"{error}; delete it, and what it was kept for is made anew")
                continue
            # weights are found by a name that has the beginning of their owner's
            if file.kind == KEPT and owner[:16] not in name:
                check.wrong(path, f"is sealed for {owner[:16]}..., of other grids: delete it")
