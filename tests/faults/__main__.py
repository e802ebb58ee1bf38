"""`make faults`: does every fault of the matrix at full size, and writes docs/reliability.md."""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from tests.builders import ROOT
from tests.faults.fault import Fault, NotHere
from tests.faults.matrix import MATRIX

PAGE = ROOT / "docs" / "reliability.md"
_HEAD = "| row | fault | must hold | seen | command |\n|---|---|---|---|---|\n"
_LINE = "| {row} | {done} | {passes} | {seen} | `{command}` |"


def rows_of(page: str) -> dict[str, str]:
    """Gives the lines of a page's table, by the command in each."""
    told = re.findall(r"^\| .* `python -m tests\.faults (\S+) .*` \|$", page, re.MULTILINE)
    lines = (line for line in page.splitlines() if line.endswith("` |"))
    return dict(zip(told, lines, strict=True))


def done(one: Fault, times: int) -> str:
    """Does a fault, and gives its line of the table."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        try:
            seen = one.run(times, Path(folder))
        except NotHere as why:
            seen = f"not done: {why}"
        # Whatever it was, the other faults are done.
        except Exception as error:
            traceback.print_exc()
            seen = f"**FAILED**: {type(error).__name__}: {error}"
    less = "" if times >= one.full else f" (of {one.full:,} at full size)"
    seconds = f"{time.monotonic() - began:.0f} s"
    return _LINE.format(
        row=one.row,
        done=one.done.format(f"{times:,}{less}"),
        passes=one.passes,
        seen=f"{seen} ({seconds})".replace("|", "\\|").replace("\n", " "),
        command=f"python -m tests.faults {one.name} --times {times}",
    )


def main(words: Sequence[str] | None = None) -> int:
    """Does them; 1 if one did not pass."""
    names = [one.name for one in MATRIX]
    options = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    options.add_argument("faults", nargs="*", metavar="FAULT", help=f"all, or some: {names}")
    options.add_argument("--share", type=float, default=1.0, help="of the full sizes")
    options.add_argument("--times", type=int, help="how many times, for all that are named")
    options.add_argument("--page", type=Path, help="whose lines are written anew")
    given = options.parse_args(words)
    unknown = {*given.faults} - {*names}
    if unknown:
        options.error(f"no such fault: {', '.join(sorted(unknown))}; there are {', '.join(names)}")

    lines = {}
    for one in MATRIX:
        if given.faults and one.name not in given.faults:
            continue
        times = given.times or max(1, one.short, round(one.full * given.share))
        lines[one.name] = done(one, times)
        print(lines[one.name], flush=True)
        if given.page:
            write(given.page, lines)
    return int(any("**FAILED**" in line for line in lines.values()))


def write(page: Path, lines: dict[str, str]) -> None:
    """Writes lines of the table anew; those of faults that were not done now stay."""
    before = page.read_text(encoding="utf-8")
    text, _ = before.split(_HEAD)
    told = rows_of(before) | lines
    rows = (told[one.name] for one in MATRIX if one.name in told)
    page.write_text(text + _HEAD + "\n".join(rows) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
