"""The whole circle: advice, choices, outcomes, a model, the gate, promotion, other advice."""

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from router.cases.features import FEATURES
from router.decision.decide import Decider
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import load_policies
from router.versions.registry import load_model
from tests.builders import random_tables
from tests.e2e.circle import OFFICE, a_world, answer, ask
from tests.e2e.conftest import Server, until
from tests.policies_of_six import FOLDER, MIXES
from tests.training_command import command
from tests.unit.training.version.versions_builder import a_version
from training.evaluation.figures import Figures
from training.evaluation.figures_json import from_json

CASES = 4000
# As shipped, but a minute is cheaper, so that more mixes are near the best, and offices may explore
# more. The gate asks for less because the log is small.
POLICY = {
    "price_per_minute = 0.0004": "price_per_minute = 0.0003",
    "exploration_share = [0.0, 0.2]": "exploration_share = [0.0, 0.8]",
    "exploration_margin = [0.0, 0.01]": "exploration_margin = [0.0, 0.05]",
}
EXPLORING = "minutes_per_week = 9000\n[exploration]\nshare = 0.8\nmargin = 0.05\n"
GATE = {
    "bound = 2000 ": "bound = 600 ",
    "bound = 300 ": "bound = 200 ",
    'name = "snips_agrees"\nbound = 1.0': 'name = "snips_agrees"\nbound = 2.0',
    "bound = 0.005 # 0 to 0.02": "bound = 0.02 # 0 to 0.02",
    "bound = 0.05 # 0.005 to 0.2": "bound = 0.2 # 0.005 to 0.2",
}


def changed(path: Path, changes: dict[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for before, after in changes.items():
        assert before in text
        text = text.replace(before, after, 1)
    path.write_text(text, encoding="utf-8")


def train(folder: Path, *words: object, code: int = 0) -> str:
    """Tells what `python -m training` says."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ROUTER_POLICIES", str(folder / "policies"))
        environment.setenv("ROUTER_MODELS", str(folder / "models"))
        told = command(*words)
    assert told.code == code, told.out + told.err
    return told.out


def a_first_model(models: Path) -> None:
    """Promotes a model that knows of no difference: every permitted mix is near the best."""
    known = random_tables(0, effect=0, spread=0.001, mixes=len(MIXES))
    alike = dataclasses.replace(known, intercept=np.full_like(known.intercept, 0.4), pairs=())
    a_version(models, "first", tables=alike)
    (models / "promoted").write_text("first\n")


def test_what_came_of_advice_is_learned_from_and_the_running_server_then_advises_better(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    shutil.copytree(FOLDER, tmp_path / "policies")
    changed(tmp_path / "policies" / "national.toml", POLICY)
    changed(tmp_path / "policies" / "gate.toml", GATE)
    (tmp_path / "policies" / "offices" / f"{OFFICE}.toml").write_text(EXPLORING, encoding="utf-8")
    a_first_model(tmp_path / "models")
    mixes = load_catalogue(tmp_path / "policies" / "mixes.toml")
    world, cases = a_world(1, CASES, mixes), tmp_path / "cases.parquet"
    key = tmp_path / "key"
    key.write_text("a key of sixteen bytes\n", encoding="utf-8")
    server = start_server(
        "--policies",
        tmp_path / "policies",
        "--models",
        tmp_path / "models",
        "--reload-seconds",
        "0.5",
        # Whether the few cases suffice is luck of the draw, so the draw is the same each time.
        "--draw-key",
        key,
    )

    before = ask(server, world)
    assert {one.model_version for one in before} == {"first"}
    answer(server, world, before, mixes)

    journal = f"sqlite:///{server.journal}"
    told = train(
        tmp_path, "collect", "--journal", journal, "--out", cases, "--treatment", "recommended"
    )
    assert f"{CASES} of {CASES} recommendations taken" in told
    logged = pl.read_parquet(cases)
    assert set(logged["propensity"].round(6)) == {0.16, 0.36, 1.0}
    # Nobody waits for weeks here: all was decided on one day, so the later cases cannot be held
    # out.
    logged.drop("decided_on").write_parquet(cases)

    train(
        tmp_path,
        "fit",
        "--cases",
        cases,
        "--out",
        tmp_path / "models" / "second",
        "--synthetic",
        "--no-calibrate",
        "--teacher",
        "r_spline",
        "--folds",
        "3",
    )
    assert "yes: the gate is passed" in train(tmp_path, "gate", "second")
    train(tmp_path, "promote", "second")
    until(lambda: ask(server, a_world(2, 1, mixes))[0].model_version == "second")
    after = ask(server, world)
    assert {one.model_version for one in after} == {"second"}

    first, second = (
        world.worth(np.array([mixes.ids.index(one.mix.id) for one in some]))
        for some in (before, after)
    )
    assert second > first + 0.05
    figures = from_json(
        (tmp_path / "models" / "second" / "figures.json").read_text(encoding="utf-8"), Figures
    )
    model = load_model(tmp_path / "models" / "second", FEATURES, mixes)
    policy = load_policies(tmp_path / "policies", mixes).national
    truth = world.worth(
        Decider(tables=model.tables, catalogue=mixes, policy=policy).decide(world.rows).mix
    )
    value = figures.policies[[one.name for one in figures.policies].index("candidate")].estimates[
        "dr"
    ]
    assert abs(value.value - truth) < 3 * value.error
