"""Checks that the report shows the results that are there."""

import hashlib
import json
import re
from urllib.request import urlopen

from parlearn.audit.findings import Check, asks
from parlearn.audit.tree import Tree

#: before the results in the page that Snakemake writes, JSON: path -> its content among others
RESULTS = re.compile(r'<script id="results">\s*var results = ')


@asks("report", "Does the report show the results that are there?")
def check_report(check: Check, tree: Tree) -> None:
    """Every picture and table in the report is byte for byte the file of its name."""
    path = f"{tree.results}/report.html"
    if path not in tree.files:
        check.notes.append(f"there is no {path}: no report has been written yet")
        return
    text = (tree.root / path).read_text(encoding="utf-8")
    before = RESULTS.search(text)
    if before is None:
        check.wrong(path, "holds no results as a report does: write it anew")
        return
    results, _ = json.JSONDecoder().raw_decode(text, before.end())
    for name, result in results.items():
        check.looked_at += 1
        with check.at(path):
            if name not in tree.files:
                check.wrong(path, f"shows {name}, which is not there: write the report anew")
            elif _shown(result["data_uri"]) != tree.files[name].sha256:
                check.wrong(path, f"shows another {name} than is there: write the report anew")


def _shown(uri: str) -> str:
    """Checksum of what a ``data:`` address holds; ValueError of any other address."""
    if not uri.startswith("data:"):
        raise ValueError(f"it is not in the page itself but at {uri[:80]}")
    with urlopen(uri) as content:
        return hashlib.sha256(content.read()).hexdigest()
