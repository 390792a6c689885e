"""Every file of an instance and everything the audit found, for machines."""

import json
from collections.abc import Mapping
from pathlib import Path

from parlearn.audit.inspect import Audit
from parlearn.audit.tree import File, Tree
from parlearn.storage.provenance import text_digest


def manifest(audit: Audit, tree: Tree, instance: Mapping, created: str) -> dict:
    """JSON types alone. ``provenance`` of a file is a digest of its stamp; files outside of the
    results are those that results go back to.
    """
    return {
        "instance": instance["name"],
        "results": tree.results,
        "created": created,
        "passed": audit.passed,
        "checks": [
            {
                "name": check.name,
                "question": check.question,
                "passed": check.passed,
                "looked_at": check.looked_at,
                "problems": [{"where": p.where, "what": p.what} for p in check.problems],
                "notes": check.notes,
            }
            for check in audit.checks
        ],
        "claims": json.loads(audit.answers.to_json(orient="records")),
        "not_made": tree.missing,
        "files": [_entry(file) for file in tree.files.values()],
        "outside": [
            {"path": path, "sha256": tree.checksum(path), "what": what}
            for path, what in audit.raw.items()
            if path not in tree.files
        ],
    }


def _entry(file: File) -> dict:
    stamp = file.stamp or {}
    about = {"path": file.path, "size": file.size, "sha256": file.sha256, "kind": file.kind}
    if file.kind == "result":
        about["format"] = Path(file.path).suffix.lstrip(".") or Path(file.path).name
        about["rule"] = stamp.get("rule")
        known = {k: v for k, v in stamp.items() if k != "config_text"}
        text = json.dumps(known, sort_keys=True, default=str)
        about["provenance"] = text_digest(text) if stamp else None
        about |= {key: stamp.get(key) for key in ("code", "commit", "config_digest", "seed")}
    return about
