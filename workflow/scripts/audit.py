"""Check all results and write down what is wrong and where; nothing is computed anew."""

from datetime import UTC, datetime
from pathlib import Path

from parlearn.audit.crate import METADATA, check_crate, write_crate
from parlearn.audit.findings import AuditError, Check
from parlearn.audit.inspect import inspect
from parlearn.audit.manifest import manifest
from parlearn.audit.page import page
from parlearn.audit.tree import read_tree
from parlearn.storage.files import write_json, write_text
from parlearn.storage.job import job

with job(log=snakemake.log[0], threads=snakemake.threads) as log:
    params, instance = snakemake.params, snakemake.params.instance
    folder, now = Path(params.folder), datetime.now(UTC).isoformat(timespec="seconds")
    # whatever happens below, no page of an older audit says that all is well
    for name in ("audit.md", "manifest.json", METADATA):
        (folder / name).unlink(missing_ok=True)
    tree = read_tree(".", instance["results"], instance["study"], params.jobs)
    log.info("%d files, %d of them made by rules", len(tree.files), len(tree.made))
    audit = inspect(tree, instance)

    def write():
        write_text(page(audit, tree, instance, now), folder / "audit.md")
        write_json(manifest(audit, tree, instance, now), folder / "manifest.json")

    write()
    crate = Check("crate", "Is the RO-Crate whole?")
    with crate.at(folder):
        write_crate(folder, tree, instance, now)
        for lack in check_crate(folder):
            crate.wrong(folder, lack)
    if not crate.passed:
        audit.checks.append(crate)
        write()
    for check in audit.checks:
        found = "passed" if check.passed else f"{len(check.problems)} problems"
        log.info("%s: %s (%d looked at)", check.name, found, check.looked_at)
    for problem in audit.problems:
        log.error("%s", problem)
    log.info("written: %s/audit.md, manifest.json, %s", folder, METADATA)
    if not audit.passed:
        raise AuditError(
            f"{len(audit.problems)} problems, each a line above and in {folder}/audit.md"
        )
