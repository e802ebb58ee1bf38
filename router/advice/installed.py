"""What a process scores with: this package's code, and the libraries that numbers come from."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path

import router
from router.digest import digest

CODE = "channel-router, digest of its code"
_LIBRARIES = ("numpy", "pyarrow", "protobuf", "distributed")
_OF_CODE = {".py", ".toml"}


@cache
def installed() -> dict[str, str]:
    """Gives versions by name: of Python, of this package by its bytes, of libraries.

    Two processes that have the same give the same bytes for the same cases.
    """
    return {CODE: code_of(Path(router.__file__).parent), **versions(_LIBRARIES)}


def versions(libraries: Iterable[str]) -> dict[str, str]:
    """Gives versions of Python and libraries, by name."""
    found = {name: version(name) for name in libraries}
    return {"Python": platform.python_version(), **found}


def code_of(root: Path) -> str:
    """Gives the digest of a package's code and texts, by the folder that it is imported from."""
    files = sorted(path for path in root.rglob("*") if path.suffix in _OF_CODE)
    each: list[str | bytes] = []
    for path in files:
        each += [path.relative_to(root).as_posix(), path.read_bytes()]
    return digest(*each).hex()
