"""The bench of synergies in short, on seeds of its own, and its reader of a real factorial."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bench.synergy import PLANTED, VARIED, drawn, mixes_left_out, read_newhaven, told

DRAWS = 40


def test_intervals_hold_a_planted_synergy() -> None:
    held = [one for seed in range(DRAWS) for one in told(drawn(seed, PLANTED))[0]]
    assert len(held) == DRAWS
    assert np.mean(held) >= 0.8


@pytest.mark.parametrize("count", [2, 3])
def test_none_is_claimed_where_there_is_none(count: int) -> None:
    logs = (drawn(seed + 500, 0.0, VARIED[:count], cases=2500) for seed in range(20))
    assert sum(told(one)[1] for one in logs) <= 2


def test_a_mix_that_is_left_out_lies_within_what_its_channels_say() -> None:
    inside = [one for seed in range(10) for one in mixes_left_out(seed + 900)]
    assert np.mean(inside) >= 0.85


def test_a_real_factorial_is_read_by_its_cells(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    cases = 4000
    visit, phone = rng.integers(0, 2, cases), rng.integers(0, 2, cases)
    chance = 0.3 + 0.1 * visit + 0.05 * phone + 0.3 * visit * phone
    columns = {
        "voted98": (rng.random(cases) < chance).astype(int),
        "persngrp": visit,
        "phnscrpt": 3 * phone,
        "mailings": rng.integers(0, 4, cases),
        **{name: rng.integers(0, 2, cases) for name in ("age", "majorpty", "vote96_1", "vote96_0")},
    }
    pl.DataFrame(columns).write_csv(tmp_path / "people.csv")
    found = read_newhaven(tmp_path / "people.csv").effect(0, 1).outcome
    assert found.value == pytest.approx(0.3, abs=4 * found.error)
    assert found.error < 0.05
