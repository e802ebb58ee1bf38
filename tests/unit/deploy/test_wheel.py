"""The wheel: the same bytes whoever makes it, and nothing that is not the project's."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.builders import ROOT

ELSEWHERE = {
    **os.environ,
    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    "TZ": "Pacific/Auckland",
}


def made(tree: Path, out: Path, umask: int, **env: str) -> Path:
    subprocess.run(
        [tree / "deploy" / "wheel", out],
        env=ELSEWHERE | env,
        umask=umask,
        check=True,
        capture_output=True,
        timeout=60,
    )
    (wheel,) = out.glob("*.whl")
    return wheel


def test_two_trees_of_one_source_give_the_same_bytes_and_no_stray_file(tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(ROOT / "router", other / "router", copy_function=shutil.copyfile)
    for name in ("pyproject.toml", "README.md", "LICENSE", "deploy/wheel"):
        (other / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, other / name)
    (other / "router" / "build").mkdir()
    for stray in ("notes.txt", "texts/nb.toml.orig", "ledger/templates/draft.html.j2", "v1/.swp"):
        (other / "router" / stray).write_text("mine")
    here = made(ROOT, tmp_path / "here", 0o022)
    # What people set for wheels of their own.
    own = tmp_path / ".pydistutils.cfg"
    own.write_text("[bdist_wheel]\nbuild_number = 7\n")
    there = made(other, tmp_path / "there", 0o077, HOME=str(tmp_path), DIST_EXTRA_CONFIG=str(own))
    assert here.read_bytes() == there.read_bytes()
    tracked = subprocess.run(
        ["git", "ls-files", "router"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    held = {name for name in zipfile.ZipFile(here).namelist() if ".dist-info/" not in name}
    assert held == set(tracked)
