"""Progress where no bar can move: lines."""

import io
import re
from threading import Event

from rich.console import Console

from training.progress import Bars, progress


class Heard(io.StringIO):
    """Notes that a line came."""

    def __init__(self) -> None:
        super().__init__()
        self.line = Event()

    def write(self, text: str) -> int:
        written = super().write(text)
        self.line.set()
        return written


def test_without_a_terminal_each_phase_that_ends_is_a_line() -> None:
    out = io.StringIO()
    with progress(Console(file=out)) as watch:
        watch("teachers", 0, 2)
        watch("teachers", 1, 2)
        watch("teachers", 2, 2)
        watch("students", 0, 5)
    assert re.fullmatch(r"0:\d\d  teachers: 2 of 2\n", out.getvalue())


def test_a_long_part_is_told_of_while_nobody_calls() -> None:
    out = Heard()
    with progress(Console(file=out), every=0.001) as watch:
        watch("nuisances", 0, 1)
        assert out.line.wait(10)
    assert "nuisances: 0 of 1" in out.getvalue()


def test_on_a_terminal_there_are_bars() -> None:
    out = io.StringIO()
    with progress(Console(file=out, force_terminal=True)) as watch:
        assert isinstance(watch, Bars)
        watch("teachers", 1, 2)
    assert "teachers" in out.getvalue()
