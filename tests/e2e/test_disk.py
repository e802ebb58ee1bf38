"""A real server and what lies on its disk: harmful files, rollback, and the end of it all."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from router.v1 import channel_router_pb2
from tests.builders import ROOT, a_case
from tests.e2e.callers import Callers, answered
from tests.e2e.conftest import Server
from tests.unit.router.versions.models_builder import (
    SHIPPED,
    another_version,
    point,
    shipped_models,
)

REQUEST = channel_router_pb2.RecommendRequest(case=a_case())


def version(server: Server) -> str:
    return server.router.Recommend(REQUEST, timeout=10).recommendation.model_version


def test_under_harmful_files_a_server_answers_rolls_back_and_ends(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    models, policies = shipped_models(tmp_path), tmp_path / "policies"
    another_version(models, "second")
    shutil.copytree(ROOT / "policies", policies)
    server = start_server(
        *("--models", str(models), "--policies", str(policies), "--reload-seconds", "0.1")
    )
    assert version(server) == SHIPPED
    os.mkfifo(models / "canary")
    (policies / "offices" / "office-01.toml").unlink()
    (policies / "offices" / "office-01.toml").symlink_to("/dev/zero")
    with (policies / "offices" / "holes.toml").open("wb") as file:
        file.truncate(300 << 30)

    callers = Callers(server.listen, 2)
    # Another version is taken, and then the one before, whatever else lies there.
    for wanted in ("second", SHIPPED):
        point(models, wanted)
        for _ in range(100_000):
            if version(server) == wanted:
                break
        assert version(server) == wanted
    callers.wait(answered, 10)
    assert all(answered(one) for one in callers.stop())

    scraped = server.scrape()
    assert 'router_part_refused{part="canary"} 1.0' in scraped
    assert 'router_policy_refused{office="office-01"} 1.0' in scraped
    assert 'router_policy_refused{office="holes"} 1.0' in scraped
    # The pointer itself is bad now: what is served stands, and the server ends when it is told to.
    (models / "promoted").unlink()
    os.mkfifo(models / "promoted")
    assert version(server) == SHIPPED
    assert server.stop() == 0


def test_a_server_with_a_bad_shadow_starts_and_answers(
    start_server: Callable[..., Server],
) -> None:
    server = start_server("--shadow", "never-fitted")
    assert version(server) == SHIPPED
    assert 'router_part_refused{part="shadow"} 1.0' in server.scrape()
    assert server.stop() == 0
