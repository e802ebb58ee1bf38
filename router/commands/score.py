"""`score`: scores a file of cases; and how a command loads what decides."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import click

from router.addresses import is_address, scheme_of
from router.cases.assumed import Assumed
from router.cases.features import FEATURES
from router.cases.mapping import FileMapping, read_mapping
from router.commands.options import MAP, MODEL, MODELS, POLICIES, check_scheduler, engine_options
from router.commands.told import tell_assumed
from router.decision.catalogue import Catalogue
from router.decision.decide import Decider
from router.decision.policy import Policy
from router.files.formats import check_out
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import Policies, load_policies
from router.policies.toml_file import PolicyError
from router.versions.pointers import version_for
from router.versions.registry import ModelVersion, load_model


@click.command()
@click.option(
    "--cases",
    required=True,
    help="Cases to score: Parquet or CSV, a folder or a pattern; by an engine also a URI.",
)
@click.option("--out", required=True, help="Scored: Parquet or CSV; by an engine a folder or URI.")
@MODEL
@click.option("--office", default="", help="Whose policy decides; the national one if not given.")
@MAP
@engine_options("scores")
@MODELS
@POLICIES
def score(
    cases: str,
    out: str,
    model: Path | None,
    office: str,
    map_file: Path | None,
    engine: str,
    scheduler: str,
    models: Path,
    policies: Path,
) -> None:
    """Score a file of cases, or folders of them."""
    check_scheduler(engine, scheduler)
    if engine == "local":
        _check_files(cases, out, map_file)
    folder = model or models / version_for(models, office)
    mapping, assumed = read_mapping(map_file), Assumed()
    decider, _ = load_decider(folder, policies, office)
    if engine == "local":
        # Imported here: PyArrow is an extra, and slow to load.
        from router.advice.score import score_file

        count = score_file(Path(cases), Path(out), decider, mapping, assumed)
    else:
        said: dict[str, str | int] = {"model": folder.name, "office": office}
        count = _score_on_dask(cases, out, decider, mapping, assumed, scheduler, said)
    tell_assumed(assumed)
    click.echo(f"{count} cases scored to {out}")


def _check_files(cases: str, out: str, map_file: Path | None) -> None:
    """Checks what one process reads and writes.

    Raises:
        UsageError: if one of them is a URI.
        OutRefused: if nothing can be written there.
    """
    for option, given in (("cases", cases), ("out", out)):
        if is_address(given):
            raise click.UsageError(
                f"--{option}: {scheme_of(given)} is a URI; give --engine dask as well"
            )
    check_out(Path(out), [Path(cases), *([map_file] if map_file else [])])


def _score_on_dask(
    cases: str,
    out: str,
    decider: Decider,
    mapping: FileMapping,
    assumed: Assumed,
    scheduler: str,
    said: dict[str, str | int],
) -> int:
    """Scores a folder of cases into another, and gives the number of cases."""
    from router.advice.bulk import check, finish, parts_of
    from router.advice.installed import CODE, installed
    from router.advice.on_dask import score_parts
    from router.files.out_folder import OutFolder

    place = OutFolder.at(out)
    parts = parts_of(cases, assumed, mapping)
    check(parts, cases, place)
    count = 0
    for scored in score_parts(parts, decider, place, scheduler):
        count += scored.rows
        assumed.merge(scored.assumed)
    said |= {"cases": count, "files": len(parts), "code": installed()[CODE]}
    finish(place, said)
    return count


def load_decider(folder: Path, policies: Path, office: str = "") -> tuple[Decider, Policies]:
    """Loads a decider with a model version and an office's policy, and all policies.

    Args:
        folder: of the model version.
        policies: folder of policies.
        office: whose policy decides; "" for the national one.

    Raises:
        ModelRefused: if the version cannot be used.
        PolicyError: if a policy cannot be used, the office has none, or a safeguard would not be
            monotone.
    """
    catalogue = load_catalogue(policies / "mixes.toml")
    known = load_policies(policies, catalogue)
    model = load_model(folder, FEATURES, catalogue)
    return decider_of(model, catalogue, known.usable(office), policies), known


def versions_of(
    model: Path | None, models: Path, catalogue: Catalogue
) -> Callable[[str], tuple[ModelVersion, Path]]:
    """Gives what answers an office, and its folder; each version is loaded once.

    Args:
        model: folder of the version that answers all; None for those that are promoted.
        models: folder of versions.
        catalogue: of mixes.
    """
    load = cache(lambda folder: load_model(folder, FEATURES, catalogue))

    def of(office: str) -> tuple[ModelVersion, Path]:
        folder = model or models / version_for(models, office)
        return load(folder), folder

    return of


def decider_of(
    model: ModelVersion, catalogue: Catalogue, policy: Policy, policies: Path
) -> Decider:
    """Gives a decider with what is loaded.

    Args:
        model: version.
        catalogue: of mixes.
        policy: that decides.
        policies: folder of policies, to name it.

    Raises:
        PolicyError: if they do not fit each other, or a safeguard would not be monotone.
    """
    try:
        decider = Decider(tables=model.tables, catalogue=catalogue, policy=policy)
        _ = decider.safeguards  # refuses a catalogue under which a safeguard would not be monotone
    except ValueError as problem:
        raise PolicyError(f"{policies}: {problem}") from problem
    return decider
