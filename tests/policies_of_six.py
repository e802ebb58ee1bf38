"""The shipped policies with six mixes of the catalogue: fits of fewer mixes need fewer cases."""

import atexit
import json
import re
import shutil
import tempfile
from pathlib import Path

import bench.evaluation
from router.policies.catalogue_file import load_catalogue
from tests.builders import ROOT

MIXES = bench.evaluation.MIXES


def _folder() -> Path:
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    shutil.copytree(ROOT / "policies", folder, dirs_exist_ok=True)

    first, *mixes = (folder / "mixes.toml").read_text().split("[[mix]]\n")
    kept = [mix for mix in mixes if re.match(f'id = "({"|".join(MIXES)})"', mix)]
    (folder / "mixes.toml").write_text("[[mix]]\n".join([first, *kept]))

    national = (folder / "national.toml").read_text()
    menu = f"menu = {json.dumps(MIXES)}"
    national = re.sub(r"menu = \[.*?\]", menu, national, count=1, flags=re.DOTALL)
    (folder / "national.toml").write_text(national)
    return folder


FOLDER = _folder()
CATALOGUE = load_catalogue(FOLDER / "mixes.toml")
