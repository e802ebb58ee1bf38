"""What is served now: a model under the national and each office's policy.

It is loaded from disk, followed there, and swapped whole, so that no call is dropped.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from router.advice.recommender import Recommender
from router.cases.features import FEATURES
from router.decision.catalogue import Catalogue
from router.decision.decide import Decider
from router.decision.draws import Draws
from router.decision.policy import Policy
from router.files.acts import Acts
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import NATIONAL, OFFICES, Policies, keep_good, load_policies
from router.policies.toml_file import PolicyError
from router.serving.metrics import AdviceMetrics, Metrics
from router.serving.routing.recommendation import RecommendationWriter
from router.texts import Texts
from router.versions.registry import (
    MANIFEST,
    PROMOTED,
    ModelRefused,
    ModelVersion,
    load_model,
    promoted_version,
)
from router.versions.trust import TrustedKeys

_log = logging.getLogger(__name__)
_MIXES = "mixes.toml"
Fingerprint = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeRouter:
    """What routes the cases of one policy: an office's, or the national one.

    Attributes:
        recommender: decides.
        writer: writes the answers.
        counts: count what left.
    """

    recommender: Recommender
    writer: RecommendationWriter
    counts: AdviceMetrics

    @property
    def language(self) -> str:
        """Language of texts when a call names none."""
        return self.recommender.policy.languages[0]

    @property
    def texts(self) -> Texts:
        """Texts of that language."""
        return self.writer.texts[self.language]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is served at one moment."""

    model: ModelVersion
    catalogue: Catalogue
    policies: Policies
    national: OfficeRouter
    offices: Mapping[str, OfficeRouter]

    def router(self, office_ref: str) -> OfficeRouter:
        """Gives the office's router; the national one if it has no policy of its own."""
        return self.offices.get(office_ref, self.national)

    def is_unknown(self, office_ref: str) -> bool:
        """Tells whether an office is named that has no policy of its own."""
        return bool(office_ref) and office_ref not in self.offices

    def recommender(self, office_ref: str) -> Recommender:
        """Gives the office's recommender; the national one if it has no policy of its own."""
        return self.router(office_ref).recommender


class Live:
    """Holds what is served now. A call takes `snapshot` once and keeps to it until it is answered.

    Attributes:
        snapshot: what is served now.
    """

    def __init__(self, loader: Loader) -> None:
        """Loads for the first time.

        Raises:
            PolicyError: if the national policy or the catalogue of mixes cannot be used, or model,
                catalogue and policies do not fit each other.
            ModelRefused: if the promoted model cannot be served.
        """
        self._loader = loader
        # Before loading: what changes meanwhile differs from it, and is met at the next look.
        self._seen = loader.fingerprint()
        self.snapshot = loader.load(None)

    def refresh(self) -> bool:
        """Takes what has changed on disk.

        What cannot be used is logged and counted, and its last good one stands.

        Returns:
            Whether something else is served from now on.
        """
        now = self._loader.fingerprint()
        if now == self._seen:
            return False
        before = self.snapshot
        self.snapshot = self._loader.load(before)
        # Last: if loading fails in a way nobody foresaw, the next look tries again.
        self._seen = now
        return self.snapshot is not before


class Loader:
    """Reads what is served from the models and policies folders."""

    def __init__(
        self,
        *,
        models: Path,
        policies: Path,
        trusted: TrustedKeys | None,
        texts: dict[str, Texts],
        metrics: Metrics,
        last_good: Path | None = None,
        acts: Acts | None = None,
        draws: Draws | None = None,
    ) -> None:
        self._last_good = last_good
        self._acts = acts or Acts(None)
        self._draws = draws or Draws()
        self._models = models
        self._policies = policies
        self._trusted = trusted
        self._texts = texts
        self._metrics = metrics
        self._counts: dict[tuple[str, str], AdviceMetrics] = {}

    def fingerprint(self) -> Fingerprint:
        """Gives names, times and sizes of the files that decide what is served."""
        return tuple(_stamps(self._files()))

    def _files(self) -> Iterator[Path]:
        yield from (self._policies / _MIXES, self._policies / NATIONAL)
        yield from sorted((self._policies / OFFICES).glob("*.toml"))
        yield self._models / PROMOTED
        try:
            yield self._models / promoted_version(self._models) / MANIFEST
        except ModelRefused:
            return

    def load(self, last: Snapshot | None) -> Snapshot:
        """Reads everything; with `last`, what cannot be used is taken from there.

        Raises:
            PolicyError: without `last`, if the national policy or the catalogue of mixes cannot be
                used, or model, catalogue and policies do not fit each other.
            ModelRefused: without `last`, if the promoted model cannot be served.
        """
        try:
            catalogue, policies = self._read_policies(last)
            model = self._read_model(catalogue, last)
            served = self._assemble(model, catalogue, policies, last)
        except ValueError as problem:  # a PolicyError is one: the parts do not fit each other
            if last is None:
                raise PolicyError(str(problem)) from problem
            self._refuse("policy", str(problem), stands=last.policies.national.version)
            return last

        # Told and kept only once all of it fits together.
        self._tell(served, last)
        self._keep(policies)
        return served

    def _read_policies(self, last: Snapshot | None) -> tuple[Catalogue, Policies]:
        try:
            catalogue = load_catalogue(self._policies / _MIXES)
            policies = load_policies(
                self._policies, catalogue, last.policies if last else None, self._last_good
            )
        except PolicyError as problem:
            if last is None:
                raise
            self._refuse("policy", str(problem), stands=last.policies.national.version)
            refused = {**last.policies.refused, "": str(problem)}
            return last.catalogue, replace(last.policies, refused=refused)
        for office, problem_text in policies.refused.items():
            stands = policies.of(office).version
            self._refuse("office_policy", problem_text, stands=stands, office=office)
        return catalogue, policies

    def _read_model(self, catalogue: Catalogue, last: Snapshot | None) -> ModelVersion:
        try:
            version = promoted_version(self._models)
            model = load_model(self._models / version, FEATURES, catalogue, self._trusted)
        except ModelRefused as refusal:
            if last is None:
                raise
            self._refuse("model", str(refusal), stands=last.model.info.version)
            return last.model
        # The same object, so that offices whose policy stands keep all that they have made of it.
        return last.model if last and last.model.info == model.info else model

    def _refuse(self, part: str, problem: str, stands: str, **told: str) -> None:
        self._metrics.reloads.labels(part, "refused").inc()
        version = "model_version" if part == "model" else "policy_version"
        _log.error(
            "refused; what was good before stands",
            extra={"part": part, "problem": problem, version: stands, **told},
        )
        act = "model refused" if part == "model" else "policy refused"
        self._acts.note(act, stands, stands, part=part, why=problem, **told)

    def _assemble(
        self,
        model: ModelVersion,
        catalogue: Catalogue,
        policies: Policies,
        last: Snapshot | None,
    ) -> Snapshot:
        counts = self._counts_of(model, catalogue, policies.national)
        same = last is not None and last.model is model and last.catalogue == catalogue

        def router(office: str) -> OfficeRouter:
            policy = policies.of(office)
            if last is not None and same:
                stands = last.router(office)
                if stands.recommender.policy.version == policy.version:
                    return stands  # with all that it keeps of answers
            decider = Decider(tables=model.tables, catalogue=catalogue, policy=policy)
            # Refuses a catalogue under which a safeguard would not be monotone.
            _ = decider.safeguards
            recommender = Recommender(model, decider, self._draws)
            writer = RecommendationWriter(recommender, self._texts)
            return OfficeRouter(recommender=recommender, writer=writer, counts=counts)

        return Snapshot(
            model=model,
            catalogue=catalogue,
            policies=policies,
            national=router(""),
            offices={office: router(office) for office in policies.offices},
        )

    def _counts_of(
        self, model: ModelVersion, catalogue: Catalogue, policy: Policy
    ) -> AdviceMetrics:
        """Gives the counts of a model and catalogue, which outlive a change of policies."""
        # Prometheus counts on: a series must not begin anew with each policy.
        key = (model.info.version, catalogue.version)
        if key not in self._counts:
            decider = Decider(tables=model.tables, catalogue=catalogue, policy=policy)
            self._counts[key] = AdviceMetrics(self._metrics, decider, model.info.version)
        return self._counts[key]

    def _keep(self, policies: Policies) -> None:
        if self._last_good is not None:
            try:
                keep_good(policies, self._policies, self._last_good)
            except OSError as problem:
                # The service has what it needs: copies are for the next start.
                _log.error("good policies could not be copied", extra={"problem": str(problem)})

    def _tell(self, served: Snapshot, last: Snapshot | None) -> None:
        policies = served.policies
        if last is None or last.model is not served.model:
            self._metrics.serve_model(served.model.info)
        versions = {"": policies.national.version} | {
            ref: policy.version for ref, policy in policies.offices.items()
        }
        self._metrics.serve_policies(versions, policies.refused)
        if last is not None:
            self._note_changes(served, last)
            self._metrics.reloads.labels("all", "taken").inc()
            _log.info(
                "reloaded",
                extra={
                    "model_version": served.model.info.version,
                    "policy_version": policies.national.version,
                },
            )

    def _note_changes(self, served: Snapshot, last: Snapshot) -> None:
        models = last.model.info.version, served.model.info.version
        if models[0] != models[1]:
            self._acts.note("model changed", *models, part="model")
        catalogues = last.catalogue.version, served.catalogue.version
        if last.catalogue != served.catalogue:
            self._acts.note("policy changed", *catalogues, part="catalogue")
        for office in sorted({"", *last.policies.offices, *served.policies.offices}):
            versions = last.policies.of(office).version, served.policies.of(office).version
            if versions[0] != versions[1]:
                self._acts.note("policy changed", *versions, part="policy", office=office)


def _stamps(files: Iterator[Path]) -> Iterator[tuple[str, int, int]]:
    for path in files:
        try:
            found = path.stat()
        except OSError:
            # A file that is missing is a state like others, which may change.
            yield str(path), 0, 0
        else:
            yield str(path), found.st_mtime_ns, found.st_size
