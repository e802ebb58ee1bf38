"""What the report says of fitting the same version again: commands, and what was recorded."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from training.evaluation.figures import Figures

_TOLD_ELSEWHERE = ("features",)  # the fields have a table of their own


def commands(figures: Figures, manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Gives the commands: the fit as the manifest records it, with all options.

    Equal files, code and libraries then give equal tables, and equal figures but for the times;
    which version was promoted, too, must be the same for those.
    """
    training = manifest.get("training", {})
    command = training.get("command") or f"# the command of {figures.version} was not recorded"
    return (
        *_simulated(figures, training, command),
        command,
        f"python -m training report {figures.version}",
        f"python -m training gate {figures.version}",
    )


def _simulated(figures: Figures, training: Mapping[str, Any], command: str) -> tuple[str, ...]:
    """Gives the command that simulated the cases, if they are of one simulation."""
    seed, words = training.get("simulation_seed"), shlex.split(command)
    if not figures.synthetic or not str(seed or "").isdecimal() or words.count("--cases") != 1:
        return ()
    left_out = training.get("shielded", 0) + training.get("too_recent", 0)
    cases = figures.trained_on + figures.held_out.cases + left_out
    out = shlex.quote(words[words.index("--cases") + 1])
    return (f"python -m training simulate --cases {cases} --seed {seed} --out {out}",)


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
