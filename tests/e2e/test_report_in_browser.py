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
# A window can not be narrower than some 500 pixels; a frame can.
FRAME = """<!DOCTYPE html><body style="margin:0">
<iframe id="page" style="border:0;width:{width}px;height:900px"></iframe>
<pre id="measured"></pre><script>
const frame = document.getElementById("page");
frame.onload = () => {{
  const inside = frame.contentDocument, view = frame.contentWindow;
  const found = {{headings: [], drawings: 0, overlaps: [], cut: [], small: []}};
  found.wide = inside.body.scrollWidth - view.innerWidth;
  for (const heading of inside.querySelectorAll("main h2")) found.headings.push(heading.id);
  for (const svg of inside.querySelectorAll("figure svg")) {{
    const edge = svg.getBoundingClientRect();
    if (!edge.width) continue;
    found.drawings += 1;
    const title = svg.querySelector("title").textContent;
    const texts = [...svg.querySelectorAll("text")].filter(one => one.textContent.trim());
    const boxes = texts.map(one => [one.textContent.trim(), one.getBoundingClientRect()]);
    boxes.forEach(([words, box], place) => {{
      if (box.left < edge.left - 2 || box.right > edge.right + 2
          || box.top < edge.top - 2 || box.bottom > edge.bottom + 2)
        found.cut.push([title, words]);
      if (box.height && Math.min(box.height, box.width) < 10 && words.length > 2)
        found.small.push([title, words, box.height]);
      for (const [other, near] of boxes.slice(place + 1))
        if (Math.min(box.right, near.right) - Math.max(box.left, near.left) > 1
            && Math.min(box.bottom, near.bottom) - Math.max(box.top, near.top) > 3)
          found.overlaps.push([title, words, other]);
    }});
  }}
  document.getElementById("measured").textContent = JSON.stringify(found);
}};
frame.srcdoc = {page};
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


def measured(folder: Path, report: Path, width: int) -> dict[str, Any]:
    """Tells what a script around the page measures; the page itself allows no script."""
    text = re.sub(
        r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", report.read_text(encoding="utf-8")
    )
    around = folder / "around.html"
    inside = json.dumps(text).replace("</", "<\\/")
    around.write_text(FRAME.format(width=width, page=inside), encoding="utf-8")
    told = re.search(
        r'<pre id="measured">(.*?)</pre>', browse(folder, around, "--dump-dom"), re.DOTALL
    )
    assert told is not None
    text = told.group(1).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.mark.parametrize("width", [1280, 500, 390])
def test_on_a_desk_and_on_a_phone_no_words_in_a_drawing_overlap_are_cut_or_too_small(
    report: Path, tmp_path: Path, width: int
) -> None:
    found = measured(tmp_path, report, width)
    assert found["headings"] == [anchor for anchor, _ in SECTIONS]
    assert found["drawings"] >= 15
    assert {name: found[name] for name in ("overlaps", "cut", "small")} == {
        "overlaps": [],
        "cut": [],
        "small": [],
    }
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
