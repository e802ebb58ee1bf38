"""The report as a reader sees it: in a real browser, on screen and on paper."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.builders import ROOT
from tests.e2e.browser import browse, measured
from tests.unit.training.evaluation.tables_builder import a_report
from training.report.page import SECTIONS

WIDTHS = (1280, 500, 390)
MODELS = ROOT / "models"
SHIPPED = MODELS / (MODELS / "promoted").read_text(encoding="utf-8").strip() / "report.html"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(a_report(), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def seen(report: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, dict[str, Any]]:
    """What is measured of the report, by its width."""
    views = [(report, width) for width in WIDTHS]
    found = measured(tmp_path_factory.mktemp("seen"), *views)
    return dict(zip(WIDTHS, found, strict=True))


@pytest.mark.parametrize("width", WIDTHS)
def test_on_a_desk_and_on_a_phone_no_words_in_a_drawing_overlap_are_cut_or_too_small(
    seen: dict[int, dict[str, Any]], width: int
) -> None:
    found = seen[width]
    assert found["headings"] == [anchor for anchor, _ in SECTIONS]
    assert found["drawings"] >= 7
    assert {name: found[name] for name in ("overlaps", "cut", "small")} == {
        "overlaps": [],
        "cut": [],
        "small": [],
    }
    assert found["wide"] <= 0
    assert found["tables"] == []


def test_on_a_phone_no_table_of_the_shipped_report_needs_to_be_scrolled_aside(
    tmp_path: Path,
) -> None:
    # The shipped one: it has all the mixes that make tables wide.
    (found,) = measured(tmp_path, (SHIPPED, 390))
    assert found["tables"] == []


def test_a_table_or_caption_that_is_wider_than_the_page_is_found_though_its_box_scrolls(
    report: Path, tmp_path: Path
) -> None:
    text = report.read_text(encoding="utf-8")
    wider = {"caption": "Table of one" * 40, "td": "one of one" * 40}
    for cell, words in wider.items():
        wide = f'<{cell} style="white-space:nowrap;display:block">{words}</{cell}>'
        row = wide if cell == "caption" else f"<tr>{wide}</tr>"
        box = f'<details><summary>more</summary><div class="wide"><table>{row}</table></div>'
        spoilt = text.replace("</main>", f"{box}</details></main>")
        (tmp_path / f"{cell}.html").write_text(spoilt, encoding="utf-8")
    found = measured(tmp_path, *((tmp_path / f"{cell}.html", 390) for cell in wider))
    for one, words in zip(found, wider.values(), strict=True):
        assert one["wide"] <= 0
        assert [words, words] in one["tables"]


def test_the_shipped_report_prints_to_at_most_twelve_pages(tmp_path: Path) -> None:
    # It has all the mixes and fields that a reader will ever print.
    paper = tmp_path / "report.pdf"
    browse(tmp_path, SHIPPED, "--no-pdf-header-footer", f"--print-to-pdf={paper}")
    assert paper.read_bytes().startswith(b"%PDF-")
    assert 8 <= len(re.findall(rb"/Type\s*/Page\b", paper.read_bytes())) <= 12


def test_what_is_folded_on_a_phone_is_all_on_paper(report: Path, tmp_path: Path) -> None:
    papers = []
    text = report.read_text(encoding="utf-8")
    assert text.count('<details class="fold">') >= 8
    for name, page in (
        ("folded", text),
        ("plain", re.sub(r"</?(details|summary)[^>]*>", "", text)),
    ):
        (tmp_path / f"{name}.html").write_text(page, encoding="utf-8")
        paper = tmp_path / f"{name}.pdf"
        browse(
            tmp_path,
            tmp_path / f"{name}.html",
            "--no-pdf-header-footer",
            f"--print-to-pdf={paper}",
        )
        papers.append(len(re.findall(rb"/Type\s*/Page\b", paper.read_bytes())))
    folded, plain = papers
    # Without the folds their headings stand on paper too, which may be a page more.
    assert folded > 5
    assert plain - folded in {0, 1}


def test_it_paints_on_a_screen(report: Path, tmp_path: Path) -> None:
    picture = tmp_path / "report.png"
    browse(tmp_path, report, f"--screenshot={picture}")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 50_000  # a blank page of this size has some 5 kB
