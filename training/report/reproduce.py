"""What the report says of fitting the same version again: commands, and what was recorded."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from training.evaluation.figures import Figures

_MODELS = "models"  # where commands look for versions if they are not told
_TOLD_ELSEWHERE = ("features",)  # the fields have a table of their own


def commands(figures: Figures, manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Gives the commands: the fit as the manifest records it, with all options.

    Equal files, code and libraries then give equal tables, and equal figures but for the times;
    which version was promoted, too, must be the same for those.
    """
    training = manifest.get("training", {})
    command = training.get("command") or f"# the command of {figures.version} was not recorded"
    words = shlex.split(command)
    return (
        *_simulated(figures, training, words),
        command,
        _training("report", figures.version, *_beside(words)),
        _training("gate", figures.version, *_beside(words), *_given(words, "--policies")),
    )


def _training(*words: str) -> str:
    return shlex.join(["python", "-m", "training", *words])


def _beside(fit: Sequence[str]) -> list[str]:
    """Gives the folder of the version, where it is not the one in which it would be looked for.

    A fit's own `--models` is where the promoted version is, which may be elsewhere.
    """
    out = _given(fit, "--out")
    folder = str(PurePath(out[1]).parent) if out else _MODELS
    return [] if folder == _MODELS else ["--models", folder]


def _given(fit: Sequence[str], *options: str) -> list[str]:
    """Gives those of the options that a fit was given, each with its value."""
    return [
        word for option in options if option in fit for word in (option, fit[fit.index(option) + 1])
    ]


def _simulated(
    figures: Figures, training: Mapping[str, Any], fit: Sequence[str]
) -> tuple[str, ...]:
    """Gives the command that simulated the cases, if they are of one simulation."""
    drawn = training.get("simulation") or {}
    known = {"--cases": "cases", "--seed": "seed", "--world": "world"}
    told = {option: str(drawn.get(key, "")) for option, key in known.items()}
    # It is what a file says of itself, and may hold anything: only plain words become a command.
    plain = all(text.isascii() and text.isalnum() for text in told.values())
    if not figures.synthetic or not plain or fit.count("--cases") != 1:
        return ()
    _, told["--out"] = _given(fit, "--cases")
    every = [word for pair in told.items() for word in pair]
    return (_training("simulate", *every, *_given(fit, "--policies")),)


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
