"""The report as a reader sees it: in a real browser, on screen and on paper."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import tool
from tests.unit.training.evaluation.tables_builder import a_report
from training.report.page import SECTIONS

ENDS_WITHIN = 120
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--window-size=1280,900",
]
MEASURE = """<script>
const found = {headings: [], drawings: 0, overlaps: [], cut: []};
found.wide = document.body.scrollWidth - innerWidth;
for (const heading of document.querySelectorAll("main h2")) found.headings.push(heading.id);
for (const svg of document.querySelectorAll("figure svg")) {
  found.drawings += 1;
  const frame = svg.getBoundingClientRect();
  const texts = [...svg.querySelectorAll("text")].filter(one => one.textContent.trim());
  const boxes = texts.map(one => [one.textContent.trim(), one.getBoundingClientRect()]);
  boxes.forEach(([words, box], place) => {
    if (box.left < frame.left - 2 || box.right > frame.right + 2
        || box.top < frame.top - 2 || box.bottom > frame.bottom + 2)
      found.cut.push([svg.querySelector("title").textContent, words]);
    for (const [other, near] of boxes.slice(place + 1))
      if (Math.min(box.right, near.right) - Math.max(box.left, near.left) > 1
          && Math.min(box.bottom, near.bottom) - Math.max(box.top, near.top) > 3)
        found.overlaps.push([svg.querySelector("title").textContent, words, other]);
  });
}
const told = document.createElement("pre");
told.id = "measured"; told.textContent = JSON.stringify(found);
document.body.append(told);
</script></body>"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(a_report(), encoding="utf-8")
    return path


def browse(folder: Path, page: Path, *flags: str) -> str:
    profile = f"--user-data-dir={folder / 'profile'}"
    command = [tool("chromium"), *FLAGS, profile, *flags, page.as_uri()]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, timeout=ENDS_WITHIN
    ).stdout


def measured(folder: Path, report: Path) -> dict[str, Any]:
    """Tells what a script in a copy of the page measures; the page itself allows no script."""
    copy = folder / "copy.html"
    text = re.sub(
        r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", report.read_text(encoding="utf-8")
    )
    copy.write_text(text.replace("</body>", MEASURE), encoding="utf-8")
    page = browse(folder, copy, "--dump-dom")
    told = re.search(r'<pre id="measured">(.*?)</pre>', page, re.DOTALL)
    assert told is not None
    text = told.group(1).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    found: dict[str, Any] = json.loads(text)
    return found


def test_all_sections_are_shown_and_no_words_in_a_drawing_overlap_or_are_cut(
    report: Path, tmp_path: Path
) -> None:
    found = measured(tmp_path, report)
    assert found["headings"] == [anchor for anchor, _ in SECTIONS]
    assert found["drawings"] >= 15
    assert found["overlaps"] == []
    assert found["cut"] == []
    assert found["wide"] <= 0


def test_it_prints_to_pdf(report: Path, tmp_path: Path) -> None:
    paper = tmp_path / "report.pdf"
    browse(tmp_path, report, "--no-pdf-header-footer", f"--print-to-pdf={paper}")
    assert paper.read_bytes().startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", paper.read_bytes())) >= 8


def test_it_paints_on_a_screen(report: Path, tmp_path: Path) -> None:
    picture = tmp_path / "report.png"
    browse(tmp_path, report, f"--screenshot={picture}")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 50_000  # a blank page of this size has some 5 kB
