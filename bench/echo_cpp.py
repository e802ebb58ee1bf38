"""Builds the echo in C++, where its tools are: gRPC's headers, protoc with its plugin, g++."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE, BUILT = ROOT / "bench/echo.cc", ROOT / "build/echo_cpp"
_NEEDED = ("g++", "pkg-config", "protoc", "grpc_cpp_plugin")
DEBIAN = "g++ pkg-config protobuf-compiler protobuf-compiler-grpc libgrpc++-dev"
"""Debian's packages of them."""


def lacking() -> str:
    """Says what is not there to build it; "" if all is."""
    tools = [name for name in _NEEDED if shutil.which(name) is None]
    if not tools and subprocess.run(["pkg-config", "--exists", "grpc++"], check=False).returncode:
        tools = ["grpc++"]
    return f"{', '.join(tools)} (Debian: {DEBIAN})" if tools else ""


def kinds(*others: str) -> tuple[str, ...]:
    """Gives kinds of echoes, and that in C++ where it can be built; else says why not."""
    if missing := lacking():
        print(f"no echo in C++ without {missing}", file=sys.stderr)
        return others
    # Now: building it is no part of a cold start.
    program()
    return (*others, "C++")


def program() -> Path:
    """Gives the program, built if it is not there or is older than what it is made of.

    Raises:
        SystemExit: if what is needed is not there.
    """
    if missing := lacking():
        raise SystemExit(f"the echo in C++ cannot be built without {missing}")
    protos = [
        *sorted((ROOT / "proto").rglob("*.proto")),
        *sorted((ROOT / "third_party/google/rpc").glob("*.proto")),
    ]
    found = BUILT / "echo"
    newest = max(path.stat().st_mtime for path in (SOURCE, *protos))
    if not found.exists() or found.stat().st_mtime < newest:
        _build(protos, found)
    return found


def _build(protos: list[Path], into: Path) -> None:
    BUILT.mkdir(parents=True, exist_ok=True)
    plugin = f"--plugin=protoc-gen-grpc={shutil.which('grpc_cpp_plugin')}"
    paths = [f"-I{ROOT / 'proto'}", f"-I{ROOT / 'third_party'}"]
    out = [f"--cpp_out={BUILT}", f"--grpc_out={BUILT}", plugin]
    subprocess.run(["protoc", *paths, *out, *map(str, protos)], check=True)
    flags = subprocess.check_output(
        ["pkg-config", "--cflags", "--libs", "grpc++", "protobuf"], text=True
    )
    made = sorted(BUILT.rglob("*.pb.cc"))
    words = ["g++", "-O2", "-std=c++17", f"-I{BUILT}", str(SOURCE), *map(str, made)]
    subprocess.run([*words, "-o", str(into), *flags.split()], check=True)
