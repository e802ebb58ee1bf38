"""What a person can mend: the errors that a command tells in a line, with the way out."""

from __future__ import annotations


class Mendable(Exception):
    """Something that was given, a file, an option or a place, cannot be used; told in one line.

    Every other error is a fault of the program: it keeps its traceback, whoever raised it.
    """
