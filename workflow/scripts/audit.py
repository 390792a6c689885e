"""Check all results and write down what is wrong and where; nothing is computed anew."""

from datetime import UTC, datetime
from pathlib import Path

from parlearn.audit.crate import check_crate, write_crate
from parlearn.audit.findings import AuditError
from parlearn.audit.inspect import inspect
from parlearn.audit.manifest import manifest
from parlearn.audit.page import page
from parlearn.audit.tree import read_tree
from parlearn.storage.files import write_json, write_text
from parlearn.storage.job import job

with job(log=snakemake.log[0], threads=snakemake.threads) as log:
    params, instance = snakemake.params, snakemake.params.instance
    tree = read_tree(".", instance["results"], instance["study"], params.jobs)
    log.info("%d files, %d of them made by rules", len(tree.files), len(tree.made))
    audit = inspect(tree, instance)
    for check in audit.checks:
        found = "passed" if check.passed else f"{len(check.problems)} problems"
        log.info("%s: %s (%d looked at)", check.name, found, check.looked_at)
    for problem in audit.problems:
        log.error("%s", problem)
    folder, now = Path(params.folder), datetime.now(UTC).isoformat(timespec="seconds")
    write_text(page(audit, tree, instance, now), folder / "audit.md")
    write_json(manifest(audit, tree, instance, now), folder / "manifest.json")
    write_crate(folder, tree, instance, now)
    lacking = check_crate(folder)
    log.info("written: %s/audit.md, manifest.json, ro-crate-metadata.json", folder)
    if lacking:
        raise AuditError(f"{folder}: the crate does not validate: {'; '.join(lacking)}")
    if not audit.passed:
        raise AuditError(
            f"{len(audit.problems)} problems, each a line above and in {folder}/audit.md"
        )
