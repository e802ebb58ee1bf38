"""Makes the Python client's stubs from the contract, inside its package: `python -m clients.stubs`.

They are the server's stubs under an import path of their own, so that neither package hides the
other where both are installed. The messages have the same names and are the same to protobuf.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "clients" / "python" / "src" / "channel_router_client" / "v1"
PROTOS = ROOT / "proto" / "router" / "v1"
_MODULE = "channel_router_client.v1"
_IMPORT = re.compile(r"^from router\.v1 import", re.MULTILINE)
_SERVICE = re.compile(r"^service ", re.MULTILINE)
_FIRST_LINE = '"""Stubs of the contract router.v1, made by `make stubs`: do not edit."""\n'


def write(folder: Path) -> None:
    """Writes the stubs into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    protos = sorted(PROTOS.glob("*.proto"))
    services = [path for path in protos if _SERVICE.search(path.read_text(encoding="utf-8"))]
    with tempfile.TemporaryDirectory() as made:
        _protoc(protos, f"--python_out={made}", f"--mypy_out={made}")
        _protoc(services, f"--grpc_python_out={made}", f"--mypy_grpc_out={made}")
        for path in Path(made, "router", "v1").iterdir():
            text = _IMPORT.sub(f"from {_MODULE} import", path.read_text(encoding="utf-8"))
            (folder / path.name).write_text(text, encoding="utf-8")
    (folder / "__init__.py").write_text(_FIRST_LINE, encoding="utf-8")


def _protoc(protos: list[Path], *outs: str) -> None:
    names = [str(path.relative_to(ROOT / "proto")) for path in protos]
    words = [sys.executable, "-m", "grpc_tools.protoc", "-I", "proto", "-I", "third_party"]
    subprocess.run([*words, *outs, *names], cwd=ROOT, check=True)


if __name__ == "__main__":
    write(FOLDER)
