"""Benchmarks start: what only runs by hand must not break unseen."""

from importlib import import_module

import pytest

from tests.builders import ROOT

MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in sorted((ROOT / "bench").rglob("*.py"))
    if not path.stem.startswith("of_")  # peers need libraries of their own
]


@pytest.mark.parametrize("module", MODULES)
def test_every_benchmark_can_be_loaded_and_starts_only_when_it_is_run(module: str) -> None:
    import_module(module)
