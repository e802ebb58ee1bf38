"""How soon a rollback answers: from a change of models/promoted to an answer of that version.

`python -m bench.rollback` flips a server of its own between two versions under calls.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
import time
from pathlib import Path

import grpc

from bench.load import free_port, pinned
from bench.stores import add_store, new_journals
from router.commands.demo import plain_case
from router.files.aside import written_aside
from router.v1 import channel_router_pb2, channel_router_pb2_grpc
from router.versions.registry import MANIFEST, PROMOTED, TABLES, promoted_version

TURNS = 20


def main() -> None:
    """Prints the median and the most of all turns, in seconds.

    Raises:
        SystemExit: if PostgreSQL is asked for and not installed.
    """
    parser = argparse.ArgumentParser(prog="python -m bench.rollback", description=__doc__)
    parser.add_argument("--turns", type=int, default=TURNS, help="changes; default: %(default)s")
    add_store(parser)
    asked = parser.parse_args()
    if asked.turns < 1:
        parser.error(f"--turns: {asked.turns} is not 1 or more")
    with tempfile.TemporaryDirectory(dir=".") as name, new_journals(asked.store) as fresh:
        folder = Path(name)
        models, shipped = folder / "models", promoted_version(Path("models"))
        for version in ("one", "other"):
            (models / version).mkdir(parents=True)
            shutil.copyfile(Path("models", shipped, TABLES), models / version / TABLES)
            manifest = json.loads(Path("models", shipped, MANIFEST).read_text())
            listed = {TABLES: manifest["sha256"][TABLES]}
            told = json.dumps(manifest | {"version": version, "sha256": listed})
            (models / version / MANIFEST).write_text(told)
        (models / PROMOTED).write_text("one\n")

        port, metrics = free_port(), free_port()
        words = ["router", "serve", "--listen", f"127.0.0.1:{port}", "--models", str(models)]
        # The whole disk is looked at once an hour: what is taken is taken by the quick looks.
        words += ["--metrics", f"127.0.0.1:{metrics}", "--reload-seconds", "3600"]
        words += ["--journal", fresh()]
        request = channel_router_pb2.RecommendRequest(case=plain_case("c-7f3a91be"))
        with (
            pinned(*words, ready='"serving"'),
            grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
        ):
            router = channel_router_pb2_grpc.ChannelRouterStub(channel)
            seconds = []
            for turn in range(asked.turns):
                wanted = ("other", "one")[turn % 2]
                with written_aside(models / PROMOTED) as aside:
                    aside.write_text(f"{wanted}\n")
                began = time.perf_counter()
                while router.Recommend(request).recommendation.model_version != wanted:
                    pass
                seconds.append(time.perf_counter() - began)
    middle, most = statistics.median(seconds), max(seconds)
    print(f"{asked.store}, {asked.turns} turns: median {middle:.2f} s, most {most:.2f} s")


if __name__ == "__main__":
    main()
