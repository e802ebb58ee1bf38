"""The page of `check`: what logged cases are read as and look like, without network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from training.evaluation.examined import DRIFT, SHOWN, Examined
from training.evaluation.foreseen import Unmet
from training.evaluation.soundness import MOST_EXPLAINED
from training.report import files_drawings
from training.report.page import TEMPLATES, template


def write_files_page(
    path: Path,
    files: Sequence[str],
    assumed: Sequence[str],
    refused: str,
    unmet: Sequence[Unmet],
    seen: Examined | None,
) -> None:
    """Writes the page.

    Args:
        path: of the page.
        files: that were given, as they were named.
        assumed: what was assumed of them, a line each.
        refused: why `fit` would not start, a line each; "" if it would.
        unmet: what of the gate no version can meet that is fitted on them.
        seen: what the cases look like; None if they could not be read.
    """
    page = template("files.html.j2", escape=True).render(
        style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),  # nosec B704
        files=files,
        assumed=assumed,
        refused=refused.splitlines(),
        unmet=unmet,
        seen=seen,
        DRIFT=DRIFT,
        LEAKS=MOST_EXPLAINED,
        SHOWN=SHOWN,
        outcome=files_drawings.outcome_by_month(seen) if seen else None,
        unknown=files_drawings.unknown_by_month(seen) if seen else None,
    )
    path.write_text(page, encoding="utf-8")
