"""The report of the smallest twin, opened in Chromium from its file and looked through."""

import base64
import json
import re
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Error, sync_playwright

from parlearn.plan.config import read_yaml

REPORT = "results/tiny/report.html"
GENERAL = ["Workflow", "Statistics", "About"]

#: whether a drawing is there and not of one colour all over
PAINTED = """selector => {
    const canvas = document.querySelector(selector);
    if (!canvas?.width || !canvas.checkVisibility()) return false;
    const all = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    return new Uint32Array(all.buffer).some((pixel, _, pixels) => pixel !== pixels[0]);
}"""

#: why an image cannot be seen, or nothing
UNSEEN = """async image => {
    try { await image.decode(); } catch { return "cannot be decoded"; }
    if (!image.naturalWidth) return "is empty";
    image.closest(".overflow-auto").scrollTop = 0;
    const box = image.getBoundingClientRect();
    if (box.width < 100 || box.height < 30 || !image.checkVisibility()) return "is not visible";
    return box.top < 0 ? "has a top that cannot be scrolled to" : "";
}"""


class Result(NamedTuple):
    """A result as a reader finds it: where it stands, its row in the table, what is said of it."""

    category: str
    labels: dict[str, str]
    caption: str


class Reader:
    """Opens a report with the network off; notes each result by its path, and whatever is wrong."""

    def __init__(self, report: Path, project: Path):
        self.project = project
        self.results: dict[str, Result] = {}
        self.problems: list[str] = []
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=shutil.which("chromium"))
            context = browser.new_context(viewport={"width": 1400, "height": 900})
            context.set_offline(True)
            context.set_default_timeout(60_000)
            context.on("console", self.note_message)
            context.on("weberror", lambda event: self.problems.append(f"error: {event.error}"))
            context.on("request", lambda request: self.note_request(request.url, report.as_uri()))
            self.page = context.new_page()
            try:
                self.page.goto(report.as_uri())
                self.look_through()
            except Error as error:
                self.problems.append(f"could not go on: {error.message}")
            browser.close()

    def note_message(self, message):
        if message.type == "error":
            self.problems.append(f"console: {message.text}")

    def note_request(self, url, report):
        if url.split("#")[0] != report and not url.startswith(("data:", "blob:")):
            self.problems.append(f"asked for {url}")

    def look_through(self):
        self.description = self.page.locator(".prose").inner_text()
        self.see_drawings("Workflow", "#rulegraph")
        self.see_drawings("Statistics", "#runtimes", "#timeline")
        links = self.page.locator("nav ul a").all_inner_texts()
        assert links[: len(GENERAL)] == GENERAL
        for category in links[len(GENERAL) :]:
            self.open_category(category)
            for form in self.page.locator("nav fieldset label").all_inner_texts() or [None]:
                self.open_category(category, form)
                for row in range(self.page.locator("nav tbody tr").count()):
                    self.open_category(category, form)
                    self.see_result(category, form, row)

    def see_drawings(self, link, *places):
        self.page.get_by_role("link", name=link, exact=True).click()
        for place in places:
            self.page.wait_for_function(PAINTED, arg=f"{place} canvas")

    def open_category(self, category, form=None):
        """Go to the table of a category; where it has pictures and numbers, to one of these."""
        self.page.locator("nav nav a").first.click()
        self.page.get_by_role("link", name=category, exact=True).click()
        self.page.locator("nav tbody").wait_for()
        if form:
            self.page.locator("nav fieldset").get_by_text(form, exact=True).click()

    def see_result(self, category, form, row):
        """Look at a result or save it, compare it with its file, and read its caption."""
        table = self.page.locator("nav table")
        names, line = table.locator("th").all_text_contents(), table.locator("tbody tr").nth(row)
        labels = dict(zip(names[:-1], line.locator("td").all_text_contents()))
        if form:
            labels[self.page.locator("nav fieldset > span").first.text_content()] = form
        eye, information = line.get_by_role("link").all()
        unseen = ""
        if eye.get_attribute("download"):
            with self.page.expect_download() as saving:
                eye.click()
            content = saving.value.path().read_bytes()
        else:
            eye.click()
            image = self.page.locator("img").last
            unseen = image.evaluate(UNSEEN)
            content = base64.b64decode(image.get_attribute("src").partition("base64,")[2])

        information.click()
        path = self.page.locator("nav nav li.grow").inner_text()
        if unseen:
            self.problems.append(f"{path}: {unseen}")
        if content != (self.project / path).read_bytes():
            self.problems.append(f"{path}: is not what the file holds")
        caption = self.page.locator("nav li.prose")
        words = caption.inner_text() if caption.count() else ""
        if len(words) < 20 or re.search(r"\{\{|\*\*|``|System Message", words):
            self.problems.append(f"{path}: has no caption, or one that is not laid out: {words!r}")
        self.results[path] = Result(category, labels, words)


@pytest.fixture(scope="module")
def report(chain):
    chain.snakemake("--report", REPORT)
    return chain.folder / REPORT


@pytest.fixture(scope="module")
def chromium():
    if shutil.which("chromium") is None:
        pytest.skip("no Chromium to open the report in: on Debian, apt-get install chromium")


def test_report_is_one_file_with_captions(report):
    text = report.read_text()
    assert "A test of the chain" in text
    assert "tsai2021_fig1.png" in text
    assert "align-items: flex-start" in text, "the top of tall pictures cannot be reached"
    assert not re.search(r'(src|href)="https?://[^"]*\.(js|css)"', text)


@pytest.mark.usefixtures("chromium")
def test_every_result_can_be_seen_with_its_caption_by_paper_and_study(chain, report):
    reader = Reader(report, chain.folder)
    assert reader.problems == []
    assert "parlearn learns the parameters" in reader.description
    assert "A test of the chain" in reader.description

    expected = {
        "results/tiny/smap/cells.csv": "data",
        "results/tiny/smap/coverage.csv": "data",
        "results/tiny/claims.csv": "claims",
        "results/tiny/claims.md": "claims",
    }
    figures = read_yaml(chain.folder / "config/figures.yaml")
    forms = {".png": "image", ".csv": "numbers"}
    for path in (chain.folder / "results/tiny/figures").glob("*/*.*"):
        if path.suffix in forms:
            name = path.relative_to(chain.folder).as_posix()
            expected[name] = figures[path.stem]["paper"]
            assert reader.results[name].labels == {
                "result": figures[path.stem]["title"],
                "study": "smap",
                "form": forms[path.suffix],
            }
    assert {path: seen.category for path, seen in reader.results.items()} == expected
    assert set(expected.values()) == {"tsai2021", "li2023", "beyond", "claims", "data"}
    assert {seen.labels["study"] for seen in reader.results.values()} == {"smap"}
    caption = reader.results["results/tiny/figures/tsai2021/tsai2021_fig1.png"].caption
    assert caption.startswith("Error against training effort.")
    assert "A test of the chain" in caption


def rewrite(text, name, change):
    """The report with one of its variables changed."""
    line = re.search(rf"^ *var {name} = (\{{.*\}});$", text, re.M)
    value = json.loads(line[1])
    change(value)
    return text.replace(line[1], json.dumps(value))


@pytest.mark.usefixtures("chromium")
def test_what_is_wrong_with_a_report_is_noticed(chain, report, tmp_path):
    folder = "results/tiny/figures/beyond"
    tall = "results/tiny/figures/tsai2021/tsai2021_tableS1"

    def spoil(results):
        results[f"{folder}/smap_cost.png"]["data_uri"] = "data:image/png;base64,iVBORw0KGgo="
        results[f"{folder}/smap_cost.csv"]["data_uri"] = "data:text/csv;base64,YSxi"
        results[f"{folder}/smap_recovery.csv"]["caption"] = ""

    def leave_few(categories):
        beyond = categories["beyond"]
        categories.clear()
        categories |= {"beyond": beyond, "tsai2021": {"smap": [f"{tall}.png", f"{tall}.csv"]}}

    text = rewrite(report.read_text(), "results", spoil)
    text = rewrite(text, "categories", leave_few)
    text = text.replace((chain.folder / "workflow/report/report.css").read_text(), "")
    calls = "console.error('a complaint'); fetch('https://example.org/x'); nothing()"
    copy = tmp_path / "report.html"
    # the scripts within hold such tags as well
    copy.write_text(f"<script>{calls}</script>".join(text.rpartition("</body>")[::2]))

    reader = Reader(copy, chain.folder)
    problems = sorted(reader.problems)
    for start in (
        "asked for https://example.org/x",
        "console: a complaint",
        "error: ",
        f"{folder}/smap_cost.csv: is not what the file holds",
        f"{folder}/smap_cost.png: cannot be decoded",
        f"{folder}/smap_cost.png: is not what the file holds",
        f"{folder}/smap_recovery.csv: has no caption",
        f"{tall}.png: has a top that cannot be scrolled to",
    ):
        assert any(problem.startswith(start) for problem in problems), (start, problems)
    assert len(reader.results) == 6
