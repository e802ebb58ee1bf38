"""What a server meets below it: files that cannot be written, flushes that fail, a wrong clock."""

from __future__ import annotations

import mmap
import shutil
import struct
import subprocess
from pathlib import Path

from tests.faults.fault import NotHere

_SOURCE = Path(__file__).with_name("shim.c")
_FAULTS = struct.Struct("iiq")


class Below:
    """Makes faults below a process that was started with its environment.

    Attributes:
        env: what the process needs in its environment.
    """

    def __init__(self, folder: Path) -> None:
        """Builds what is loaded before libc.

        Raises:
            NotHere: if there is no compiler.
        """
        compiler = shutil.which("gcc") or shutil.which("cc")
        if compiler is None:
            raise NotHere("no C compiler is installed")
        library, page = folder / "shim.so", folder / "faults"
        subprocess.run(
            [compiler, "-shared", "-fPIC", "-O1", "-o", library, _SOURCE, "-ldl"], check=True
        )
        page.write_bytes(bytes(mmap.PAGESIZE))
        with page.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self.env = {"LD_PRELOAD": str(library), "ROUTER_TEST_FAULTS": str(page)}

    def fail(self, *, write: int = 0, flush: int = 0, clock: int = 0) -> None:
        """Makes these the faults from now on.

        Args:
            write: errno of every write to a file; 0 for none.
            flush: errno of every fsync and fdatasync.
            clock: seconds that the time of day is off.
        """
        self._page[: _FAULTS.size] = _FAULTS.pack(write, flush, clock)
