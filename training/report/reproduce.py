"""What the report says of fitting the same version again: commands, and what was recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from training.evaluation.figures import Figures

_TOLD_ELSEWHERE = ("features",)  # the fields have a table of their own


def commands(figures: Figures, manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Gives the commands, with the seeds that the manifest records."""
    training = manifest.get("training", {})
    seed, simulated = training.get("seed"), training.get("simulation_seed")
    found = []
    if figures.synthetic and simulated not in (None, ""):
        found.append(
            f"python -m training simulate --cases N --seed {simulated} --out cases.parquet"
        )

    seeded = "" if seed is None else f" --seed {seed}"
    version = figures.version
    found.append(f"python -m training fit --cases cases.parquet --out models/{version}{seeded}")
    return (*found, f"python -m training report {version}", f"python -m training gate {version}")


def recorded(manifest: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Gives what the manifest records, flat: dotted name and value."""
    told = {key: value for key, value in manifest.items() if key not in _TOLD_ELSEWHERE}
    return tuple(_flat(told, ""))


def _flat(value: Any, name: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - JSON
    if isinstance(value, Mapping) and value:
        for key, one in value.items():
            yield from _flat(one, f"{name} · {key}" if name else str(key))
    elif isinstance(value, list | tuple):
        yield name, ", ".join(map(str, value)) or "none"
    else:
        yield name, "not recorded" if value is None or value == "" else str(value)
