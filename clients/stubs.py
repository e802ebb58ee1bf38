"""Makes the clients' stubs from the contract, inside their packages: `python -m clients.stubs`.

Those of the Python client are the server's under an import path of their own, so that neither
package hides the other where both are installed. The messages have the same names and are the same
to protobuf. Those of the TypeScript client hold what Google's types of errors hold as well.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from google.rpc import error_details_pb2

ROOT = Path(__file__).parent.parent
PYTHON = ROOT / "clients" / "python" / "src" / "channel_router_client" / "v1"
TYPESCRIPT = ROOT / "clients" / "typescript" / "src" / "gen"
# The npm package's own compiler plugin, as its lock file has it.
PLUGIN = ROOT / "clients" / "typescript" / "node_modules" / ".bin" / "protoc-gen-es"
PROTOS = ROOT / "proto" / "router" / "v1"
_GOOGLE = ("google/rpc/status.proto", "google/rpc/error_details.proto")
_MODULE = "channel_router_client.v1"
_IMPORT = re.compile(r"^from router\.v1 import", re.MULTILINE)
_SERVICE = re.compile(r"^service ", re.MULTILINE)
_FIRST_LINE = '"""Stubs of the contract router.v1, made by `make stubs`: do not edit."""\n'


def write_python(folder: Path) -> None:
    """Writes the Python client's stubs into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    protos = _contract()
    services = [path for path in protos if _SERVICE.search(path.read_text(encoding="utf-8"))]
    with tempfile.TemporaryDirectory() as made:
        _protoc(protos, f"--python_out={made}", f"--mypy_out={made}")
        _protoc(services, f"--grpc_python_out={made}", f"--mypy_grpc_out={made}")
        for path in Path(made, "router", "v1").iterdir():
            text = _IMPORT.sub(f"from {_MODULE} import", path.read_text(encoding="utf-8"))
            (folder / path.name).write_text(text, encoding="utf-8")
    (folder / "__init__.py").write_text(_FIRST_LINE, encoding="utf-8")


def write_typescript(folder: Path) -> None:
    """Writes the TypeScript client's stubs into a folder; the npm packages must be there."""
    folder.mkdir(parents=True, exist_ok=True)
    # Google's own package has its files beside its stubs.
    google = Path(error_details_pb2.__file__).parents[2]
    options = "--es_opt=target=ts,import_extension=js"
    plugin = f"--plugin=protoc-gen-es={PLUGIN}"
    _protoc(_contract(), f"-I{google}", plugin, f"--es_out={folder}", options, *_GOOGLE)


def _contract() -> list[Path]:
    return sorted(PROTOS.glob("*.proto"))


def _protoc(protos: list[Path], *outs: str) -> None:
    names = [str(path.relative_to(ROOT / "proto")) for path in protos]
    words = [sys.executable, "-m", "grpc_tools.protoc", "-I", "proto", "-I", "third_party"]
    # The compiler looks for its plugins there; they are beside this Python.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run([*words, *outs, *names], cwd=ROOT, env={**os.environ, "PATH": path}, check=True)


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m clients.stubs", description=__doc__).parse_args()
    write_python(PYTHON)
    write_typescript(TYPESCRIPT)
