"""Model versions that are swapped, damaged or deleted while a server answers with one of them."""

from __future__ import annotations

import json
import random
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from router.cases.features import FEATURES
from router.v1 import channel_router_pb2, channel_router_pb2_grpc
from router.versions.registry import (
    MANIFEST,
    TABLES,
    ModelRefused,
    load_model,
    promoted_version,
)
from router.versions.trust import read_trusted_keys
from tests.builders import ROOT, a_case, a_catalogue
from tests.e2e.callers import REQUEST, Callers, answered
from tests.faults.fault import fault
from tests.faults.served import OPTIONS, Served, accounted, codes
from tests.unit.router.versions.models_builder import point

SHIPPED = promoted_version(ROOT / "models")
SECOND = "second"
CALLERS = 3
OFTEN = ("--reload-seconds", "0.05")
# Every so many damaged versions one is put before a running server too.
SERVED_EVERY = 20


def two_versions(folder: Path) -> Path:
    """Gives a folder of models: what is shipped, promoted, and the same under another name."""
    models = folder / "models"
    for version in (SHIPPED, SECOND):
        (models / version).mkdir(parents=True)
        shutil.copyfile(ROOT / "models" / SHIPPED / TABLES, models / version / TABLES)
        manifest = json.loads((ROOT / "models" / SHIPPED / MANIFEST).read_text())
        listed = {TABLES: manifest["sha256"][TABLES]}
        told = json.dumps(manifest | {"version": version, "sha256": listed})
        (models / version / MANIFEST).write_text(told)
    point(models, SHIPPED)
    return models


@fault(
    row="4",
    done="model swapped {} times under load of single calls and of batches of 50",
    passes="no failed call; each answer and each whole batch is of one version that was promoted",
    full=100,
    short=3,
)
def models_swapped(swaps: int, folder: Path) -> str:
    models = two_versions(folder)
    server = Served(folder, "--models", str(models), *OFTEN)
    load = Callers(server.listen, CALLERS, OPTIONS, patient=True)
    try:
        with batches(server) as seen:
            load.wait(answered, 10)
            for number in range(swaps):
                wanted = (SHIPPED, SECOND)[number % 2 == 0]
                point(models, wanted)
                load.wait(lambda one, wanted=wanted: one.version == wanted, 5, seconds=60)  # type: ignore[misc]
    finally:
        answers = load.stop()
        server.end()
    counted = accounted(answers, server.journal)
    assert {one.version for one in answers} == {SHIPPED, SECOND}
    assert seen
    assert all(len(versions) == 1 for versions in seen), "a batch is of two versions"
    return f"{counted}; 0 failed; {len(seen):,} batches, each of one version"


@contextmanager
def batches(server: Served) -> Iterator[list[set[str]]]:
    """Asks for batches without a pause until the block ends; gives the versions in each."""
    cases = [a_case(case_ref=f"c-{number}") for number in range(50)]
    request = channel_router_pb2.RecommendBatchRequest(cases=cases)
    seen: list[set[str]] = []
    stop = threading.Event()
    with server.channel() as channel:
        router = channel_router_pb2_grpc.ChannelRouterStub(channel)

        def ask() -> None:
            while not stop.is_set():
                results = router.RecommendBatch(request, timeout=20).results
                seen.append({one.recommendation.model_version for one in results})

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            yield seen
        finally:
            stop.set()
            thread.join()


def signed_models(folder: Path) -> tuple[Path, Path]:
    """Gives the shipped version, signed, and the public key that it is signed with."""
    models, private = two_versions(folder), Ed25519PrivateKey.generate()
    sign(models / SHIPPED, private)
    public = folder / "key.pub"
    public.write_bytes(
        private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return models, public


def sign(version: Path, key: Ed25519PrivateKey) -> None:
    """Signs a version as `fit --key` does."""
    (version / "manifest.sig").write_bytes(key.sign((version / "manifest.json").read_bytes()))


def damage(version: Path, chance: random.Random) -> str:
    """Damages one file of a version in one way; says which."""
    files = sorted(version.iterdir())
    file = chance.choice(files)
    data = bytearray(file.read_bytes())
    kind = chance.choice(["flip a bit", "cut", "add", "lose", "zero", "swap"])
    match kind:
        case "flip a bit":
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        case "cut":
            del data[chance.randrange(len(data)) :]
        case "add":
            data += chance.randbytes(chance.randrange(1, 100))
        case "zero":
            at = chance.randrange(len(data))
            data[at : at + 512] = bytes(len(data[at : at + 512]))
        case "swap":
            data = bytearray(chance.choice([one for one in files if one != file]).read_bytes())
    file.unlink()
    if kind != "lose":
        file.write_bytes(data)
    return f"{kind} of {file.name}"


@fault(
    row="5",
    done="{} damaged versions of a signed model (bits flipped, cut, appended, zeroed, files lost "
    "or exchanged), one in twenty of them promoted on a running server",
    passes="each is refused, the old one answers on, and a metric says so",
    full=1000,
    short=40,
)
def models_damaged(damages: int, folder: Path) -> str:
    models, key = signed_models(folder)
    trusted, catalogue = read_trusted_keys([key]), a_catalogue()
    load_model(models / SHIPPED, FEATURES, catalogue, trusted)
    good, copies = folder / "good", folder / "copies"
    shutil.copytree(models / SHIPPED, good)
    chance = random.Random(5)
    server = Served(folder, "--models", str(models), "--trust", str(key), *OFTEN)
    channel = server.channel()
    router = channel_router_pb2_grpc.ChannelRouterStub(channel)
    asked = served = 0

    def asked_until(refused: float) -> int:
        """Asks, and has the server look anew, until a metric says so; it answers all the while."""
        times = 0
        while server.figure(REFUSED) != refused:
            server.process.send_signal(signal.SIGHUP)
            answer = router.Recommend(REQUEST, timeout=20, wait_for_ready=True)
            assert answer.recommendation.model_version == SHIPPED
            times += 1
        return times

    try:
        for number in range(damages):
            # Under the same name, or its manifest would be refused for that alone.
            shutil.copytree(good, copies / SHIPPED)
            how = damage(copies / SHIPPED, chance)
            if not same(copies / SHIPPED, good):
                try:
                    load_model(copies / SHIPPED, FEATURES, catalogue, trusted)
                    raise AssertionError(f"taken in spite of: {how}")
                except ModelRefused:
                    pass
                if number % SERVED_EVERY == 0:
                    served += 1
                    for version, refused in ((copies / SHIPPED, 1), (good, 0)):
                        shutil.rmtree(models / SHIPPED)
                        shutil.copytree(version, models / SHIPPED)
                        asked += asked_until(refused)
            shutil.rmtree(copies)
    except grpc.RpcError as error:
        raise AssertionError(f"{error.code().name}: {error.details()}") from error
    finally:
        channel.close()
        server.end()
    return (
        f"0 taken; {served} of them promoted on a server: {asked:,} calls, 0 failed, all of the "
        "old version"
    )


REFUSED = 'router_part_refused{part="model"}'


def same(one: Path, other: Path) -> bool:
    """Tells whether a damage changed nothing: a zero that was zero, a cut of nothing."""
    files = {path.name: path.read_bytes() for path in one.iterdir()}
    return files == {path.name: path.read_bytes() for path in other.iterdir()}


@fault(
    row="22",
    done="folders of models and policies deleted under load, read anew (SIGHUP), and put back, {} "
    "times",
    passes="no failed call: what was served is served on; what is put back is taken",
    full=50,
    short=1,
)
def folders_deleted(times: int, folder: Path) -> str:
    models, policies = two_versions(folder), folder / "policies"
    shutil.copytree(ROOT / "policies", policies)
    kept = folder / "kept"
    shutil.copytree(models, kept / "models")
    shutil.copytree(policies, kept / "policies")
    server = Served(folder, "--models", str(models), "--policies", str(policies), *OFTEN)
    load = Callers(server.listen, CALLERS, OPTIONS, patient=True)
    try:
        load.wait(answered, 10)
        for number in range(times):
            shutil.rmtree(models)
            shutil.rmtree(policies)
            server.process.send_signal(signal.SIGHUP)
            load.wait(answered, 50)
            wanted = (SHIPPED, SECOND)[number % 2 == 0]
            shutil.copytree(kept / "policies", policies)
            shutil.copytree(kept / "models", models)
            point(models, wanted)
            server.process.send_signal(signal.SIGHUP)
            load.wait(lambda one, wanted=wanted: one.version == wanted, 5, seconds=60)  # type: ignore[misc]
        assert server.health() == "SERVING"
    except grpc.RpcError as error:
        raise AssertionError(f"{error.code().name}: {error.details()}") from error
    finally:
        answers = load.stop()
        server.end()
    return f"{codes(answers)}, 0 failed"
