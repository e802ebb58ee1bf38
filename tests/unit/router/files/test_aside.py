"""Files that are written aside and made alike the one that they replace."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# As in a container: of all users it knows one, and to no other can it give a file.
IN_A_CONTAINER = ("unshare", "--user", "--map-root-user")
MADE_ALIKE = """
import sys
from pathlib import Path
from router.files.aside import made_alike
made_alike(*map(Path, sys.argv[1:]))
"""


def test_a_file_of_somebody_whom_the_container_does_not_know_is_replaced_too(
    tmp_path: Path,
) -> None:
    try:
        subprocess.run([*IN_A_CONTAINER, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as why:
        pytest.skip(str(why))
    aside = tmp_path / "aside"
    aside.touch(0o600)
    model = tmp_path / "model"
    model.touch(0o640)
    if os.getuid() == 0:
        os.chown(model, 65_532, 65_533)
    words = [sys.executable, "-c", MADE_ALIKE, str(aside), str(model)]
    subprocess.run([*IN_A_CONTAINER, *words], check=True)
    assert aside.stat().st_mode & 0o777 == 0o640
