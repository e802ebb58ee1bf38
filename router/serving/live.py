"""What is served now: a model under the national and each office's policy.

It is loaded from disk, followed there, and swapped whole, so that no call is dropped. Each part
stands alone: what cannot be used is refused, told once, and what was good before stands.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from router.advice.recommender import Recommender
from router.advice.shadow import RULE, Shadow
from router.cases.features import FEATURES
from router.decision.catalogue import Catalogue
from router.decision.decide import Decider
from router.decision.draws import Draws
from router.decision.policy import Policy
from router.files.acts import Acts
from router.policies.catalogue_file import catalogue_of
from router.policies.offices import Policies, PolicyFiles, keep_good, policies_of
from router.policies.policy_file import OfficeBounds, national_policy
from router.policies.toml_file import PolicyError
from router.serving.feedback.metrics import office_band
from router.serving.metrics import AdviceMetrics, Metrics
from router.serving.routing.recommendation import RecommendationWriter
from router.texts import Texts
from router.versions.pointers import Pointers
from router.versions.registry import ModelRefused, ModelVersion, load_model, stamp_of
from router.versions.trust import TrustedKeys

_log = logging.getLogger(__name__)
_Stamp = tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What lay on disk at one moment; equal contents are equal.

    Attributes:
        policies: files of policies, as they were read.
        pointers: which versions are to answer.
        versions: marks of the versions named, by name.
    """

    policies: PolicyFiles
    pointers: Pointers
    versions: Mapping[str, _Stamp]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficeRouter:
    """What routes the cases of one policy: an office's, or the national one.

    Attributes:
        recommender: decides.
        writer: writes the answers.
        counts: count what left.
        shadow: is asked too, once they have left; None if nothing is.
    """

    recommender: Recommender
    writer: RecommendationWriter
    counts: AdviceMetrics
    shadow: Shadow | None = None

    @property
    def band(self) -> str:
        """Size of the office, as metrics tell it."""
        return office_band(self.recommender.policy.minutes_per_week)

    @property
    def language(self) -> str:
        """Language of texts when a call names none."""
        return self.recommender.policy.languages[0]

    @property
    def texts(self) -> Texts:
        """Texts of that language."""
        return self.writer.texts[self.language]


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """The versions that take part.

    Attributes:
        model: the promoted one.
        canary: the one that answers some offices; None if none does.
        canary_offices: those.
        shadow: that is asked beside; "rule" for today's rule, None if nothing is.
    """

    model: ModelVersion
    canary: ModelVersion | None = None
    canary_offices: tuple[str, ...] = ()
    shadow: ModelVersion | str | None = None

    def of(self, office_ref: str) -> ModelVersion:
        """Gives the version that answers an office's cases."""
        if self.canary is not None and office_ref in self.canary_offices:
            return self.canary
        return self.model

    @property
    def told_canary(self) -> str:
        """The canary and its offices, as the audit log tells them; "" without one."""
        if self.canary is None:
            return ""
        return f"{self.canary.info.version}: {', '.join(self.canary_offices)}"

    @property
    def answering(self) -> tuple[ModelVersion, ...]:
        """Those that answer."""
        return (self.model,) if self.canary is None else (self.model, self.canary)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is served at one moment.

    Attributes:
        versions: that take part.
        catalogue: of mixes.
        policies: in force.
        national: routes the cases of everyone who has no other.
        offices: by office reference, those that have a policy or a version of their own.
        refused: why something on disk is not in it, by part and office.
    """

    versions: Versions
    catalogue: Catalogue
    policies: Policies
    national: OfficeRouter
    offices: Mapping[str, OfficeRouter]
    refused: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def model(self) -> ModelVersion:
        """The promoted version."""
        return self.versions.model

    def router(self, office_ref: str) -> OfficeRouter:
        """Gives the office's router; the national one if it has neither policy nor version."""
        return self.offices.get(office_ref, self.national)

    def is_unknown(self, office_ref: str) -> bool:
        """Tells whether an office is named that has no policy of its own."""
        return bool(office_ref) and office_ref not in self.policies.offices

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
        self._one_looks = Lock()
        self._seen = loader.look()
        self.snapshot = loader.load(self._seen, None)

    def refresh(self, *, anew: bool = False) -> bool:
        """Takes what has changed on disk.

        What cannot be used is logged and counted, and its last good one stands.

        Args:
            anew: load everything, also where nothing has changed.

        Returns:
            Whether something else is served from now on.
        """
        with self._one_looks:
            return self._take(self._loader.look(), anew=anew)

    def refresh_pointers(self) -> bool:
        """Takes another promoted version or canary; of the rest of the disk nothing is read.

        Cheap enough for several times a second: a rollback must not wait.
        """
        with self._one_looks:
            pointers = self._loader.look_at_pointers()
            if pointers == self._seen.pointers:
                return False
            return self._take(self._loader.look(), anew=False)

    def _take(self, now: Seen, *, anew: bool) -> bool:
        if now == self._seen and not anew:
            self._loader.ended(self.snapshot)
            return False
        before = self.snapshot
        self.snapshot = self._loader.load(now, before)
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
        texts: Mapping[str, Texts],
        metrics: Metrics,
        last_good: Path | None = None,
        shadow: str | None = None,
        expires_days: int | None = None,
        acts: Acts | None = None,
        draws: Draws | None = None,
    ) -> None:
        """Takes what does not change while it serves.

        Args:
            models: folder of versions.
            policies: folder of policies.
            trusted: whose versions are served; everybody's if None.
            texts: by language.
            metrics: told of what is served.
            last_good: folder for copies of offices' good policies.
            shadow: name of the version that is asked beside, or "rule"; None for none.
            expires_days: after so many days a version expires; None if only it says so itself.
            acts: are told of what is taken and refused.
            draws: of control group and exploration.
        """
        self._last_good = last_good
        self._acts = acts or Acts(None)
        self._draws = draws or Draws()
        self._models = models
        self._policies = policies
        self._trusted = trusted
        self._texts = texts
        self._metrics = metrics
        self._shadow = shadow
        self._expires_days = expires_days
        self._counts: dict[tuple[str, str, Catalogue], AdviceMetrics] = {}
        # By name: a version is verified once, not with each change of a policy.
        self._loaded: dict[str, tuple[_Stamp, tuple[str, ...], ModelVersion]] = {}
        self._told_expired: set[str] = set()

    def look(self) -> Seen:
        """Reads what decides what is served, each file once; what cannot be read says why."""
        pointers = self.look_at_pointers()
        named = [pointers.promoted]
        if pointers.canary is not None:
            named.append(pointers.canary.version)
        if self._shadow and self._shadow != RULE:
            named.append(self._shadow)
        return Seen(
            policies=PolicyFiles.read(self._policies),
            pointers=pointers,
            versions={name: stamp_of(self._models / name) for name in named if name},
        )

    def look_at_pointers(self) -> Pointers:
        """Reads which versions are to answer."""
        return Pointers.read(self._models)

    def load(self, seen: Seen, last: Snapshot | None) -> Snapshot:
        """Makes what is served from what was seen; with `last`, what cannot be used is from there.

        Raises:
            PolicyError: without `last`, if the national policy or the catalogue of mixes cannot be
                used, or model, catalogue and policies do not fit each other.
            ModelRefused: without `last`, if the promoted model cannot be served.
        """
        refused: dict[tuple[str, str], str] = {}
        try:
            catalogue, policies = self._read_policies(seen.policies, last, refused)
            versions = self._read_versions(seen, catalogue, policies.national, last, refused)
            served = self._assemble(versions, catalogue, policies, last, refused)
        except ValueError as problem:  # a PolicyError is one: the parts do not fit each other
            if last is None:
                raise PolicyError(str(problem)) from problem
            refused["policy", ""] = str(problem)
            served = replace(last, refused=refused)

        # Told and kept only once all of it fits together.
        self._tell(served, last)
        self._keep(served.policies)
        return served

    def _read_policies(
        self, files: PolicyFiles, last: Snapshot | None, refused: dict[tuple[str, str], str]
    ) -> tuple[Catalogue, Policies]:
        try:
            catalogue = catalogue_of(files.catalogue)
        except PolicyError as problem:
            if last is None:
                raise
            refused["policy", ""] = str(problem)
            catalogue = last.catalogue
        national: tuple[Policy, OfficeBounds]
        try:
            national = national_policy(files.national, catalogue)
        except PolicyError as problem:
            if last is None:
                raise
            told = refused.get(("policy", ""))
            refused["policy", ""] = f"{told}; {problem}" if told else str(problem)
            # Offices' own changes are taken all the same.
            national = last.policies.national, last.policies.bounds

        policies = policies_of(
            files, national, catalogue, last.policies if last else None, self._last_good
        )
        refused |= {("office_policy", office): why for office, why in policies.refused.items()}
        if policies.problem:
            refused["offices", ""] = policies.problem
        return catalogue, policies

    def _read_versions(
        self,
        seen: Seen,
        catalogue: Catalogue,
        national: Policy,
        last: Snapshot | None,
        refused: dict[tuple[str, str], str],
    ) -> Versions:
        pointers, before = seen.pointers, last.versions if last else None

        def loaded(name: str) -> ModelVersion:
            return self._load(name, seen.versions[name], catalogue, national)

        try:
            if pointers.promoted_problem:
                raise ModelRefused(pointers.promoted_problem)
            model = loaded(pointers.promoted)
        except ModelRefused as refusal:
            if before is None:
                raise
            refused["model", ""] = str(refusal)
            model = before.model

        canary, offices = None, tuple[str, ...]()
        try:
            if pointers.canary_problem:
                raise ModelRefused(pointers.canary_problem)
            if pointers.canary is not None and pointers.canary.version != model.info.version:
                canary, offices = loaded(pointers.canary.version), pointers.canary.offices
        except ModelRefused as refusal:
            refused["canary", ""] = str(refusal)
            if before is not None:
                canary, offices = before.canary, before.canary_offices

        shadow: ModelVersion | str | None = None
        try:
            if self._shadow is not None:
                shadow = RULE if self._shadow == RULE else loaded(self._shadow)
        except ModelRefused as refusal:
            refused["shadow", ""] = str(refusal)
            shadow = before.shadow if before else None
        self._forget({pointers.promoted, model.info.version} | set(seen.versions))
        return Versions(model=model, canary=canary, canary_offices=offices, shadow=shadow)

    def _load(
        self, name: str, stamp: _Stamp, catalogue: Catalogue, national: Policy
    ) -> ModelVersion:
        """Loads a version and holds it to its golden cases, unless it is as it was.

        Raises:
            ModelRefused: if it cannot be served.
        """
        kept = self._loaded.get(name)
        if kept is not None and kept[:2] == (stamp, catalogue.ids):
            # The same object, so that offices whose policy stands keep all they have made of it.
            model = kept[2]
        else:
            model = load_model(self._models / name, FEATURES, catalogue, self._trusted)
            model = replace(model, info=model.info.expiring(self._expires_days))
        if model.golden is not None:
            decider = Decider(tables=model.tables, catalogue=catalogue, policy=national)
            try:
                model.golden.check_decisions(decider)
            except ValueError as problem:
                raise ModelRefused(f"{name}: {problem}") from problem
        # Removed first, so that the one used last comes last.
        self._loaded.pop(name, None)
        self._loaded[name] = (stamp, catalogue.ids, model)
        return model

    def _forget(self, needed: set[str]) -> None:
        # One more than are needed: a rollback is to what was there before.
        for name in [name for name in self._loaded if name not in needed][:-1]:
            del self._loaded[name]

    def _assemble(
        self,
        versions: Versions,
        catalogue: Catalogue,
        policies: Policies,
        last: Snapshot | None,
        refused: dict[tuple[str, str], str],
    ) -> Snapshot:
        def router(office: str, policy: Policy) -> OfficeRouter:
            model = versions.of(office)
            if last is not None and last.catalogue == catalogue:
                stands = last.router(office)
                mine = stands.recommender
                # Policies' versions follow from their contents.
                same = mine.model is model and mine.policy.version == policy.version
                if same and last.versions.shadow is versions.shadow:
                    return stands  # with all that it keeps of answers
            decider = Decider(tables=model.tables, catalogue=catalogue, policy=policy)
            # Refuses a catalogue under which a safeguard would not be monotone.
            _ = decider.safeguards
            recommender = Recommender(model, decider, self._draws)
            return OfficeRouter(
                recommender=recommender,
                writer=RecommendationWriter(recommender, self._texts),
                counts=self._counts_of(model, catalogue, policies.national),
                shadow=self._shadow_of(decider, versions.shadow, refused),
            )

        national = router("", policies.national)
        offices: dict[str, OfficeRouter] = {}
        unfit: dict[str, Policy | None] = {}
        for office in {**policies.offices, **dict.fromkeys(versions.canary_offices)}:
            try:
                offices[office] = router(office, policies.of(office))
            except ValueError as problem:
                # Each office stands alone: its policy, fine in itself, does not fit the rest.
                refused["office_policy", office] = str(problem)
                unfit[office] = last.policies.offices.get(office) if last else None
                offices[office] = router(office, unfit[office] or policies.national)
        if unfit:
            policies = policies.without(unfit)

        if versions.shadow is not None and national.shadow is None and last is not None:
            # Of a router that stands nothing was tried anew.
            problem_before = last.refused.get(("shadow", ""), "")
            refused.setdefault(("shadow", ""), problem_before)
        return Snapshot(
            versions=versions,
            catalogue=catalogue,
            policies=policies,
            national=national,
            offices=offices,
            refused=refused,
        )

    def _shadow_of(
        self,
        decider: Decider,
        shadow: ModelVersion | str | None,
        refused: dict[tuple[str, str], str],
    ) -> Shadow | None:
        if shadow is None:
            return None
        try:
            return Shadow(decider, None if isinstance(shadow, str) else shadow)
        except ValueError as problem:
            refused["shadow", ""] = str(problem)
            return None

    def _counts_of(
        self, model: ModelVersion, catalogue: Catalogue, policy: Policy
    ) -> AdviceMetrics:
        """Gives the counts of a model and catalogue, which outlive a change of policies."""
        # Prometheus counts on: a series must not begin anew with each policy. By content: minutes
        # may change under the version that the catalogue had before.
        key = (model.info.version, model.info.sha256, catalogue)
        if key not in self._counts:
            decider = Decider(tables=model.tables, catalogue=catalogue, policy=policy)
            self._counts[key] = AdviceMetrics(self._metrics, decider, model.info.version)
        return self._counts[key]

    def _keep(self, policies: Policies) -> None:
        if self._last_good is not None:
            try:
                keep_good(policies, self._last_good)
            except OSError as problem:
                # The service has what it needs: copies are for the next start.
                _log.error("good policies could not be copied", extra={"problem": str(problem)})

    def _tell(self, served: Snapshot, last: Snapshot | None) -> None:
        policies, versions = served.policies, served.versions
        self._tell_refused(served, last)
        fits = last and last.model is served.model and last.catalogue == served.catalogue
        if not fits:
            self._metrics.serve_model(served.model, served.catalogue.ids)
        told = {"": policies.national.version} | policies.versions
        refused = {office for part, office in served.refused if part in {"policy", "office_policy"}}
        self._metrics.serve_policies(told, refused)
        if last is None or last.versions is not versions:
            self._metrics.versions.serve(
                {
                    one.info.version: (
                        one.info.expires_at,
                        len(one.golden.rows) if one.golden is not None else 0,
                    )
                    for one in versions.answering
                }
            )
            self._metrics.versions.serve_beside(
                versions.canary.info.version if versions.canary else "",
                len(versions.canary_offices),
                _named(versions.shadow),
            )
        if last is not None:
            self._note_changes(served, last)
        taken = _changed(served, last) if last else []
        for part in taken:
            self._metrics.reloads.labels(part, "taken").inc()
        if taken:
            _log.info(
                "reloaded",
                extra={
                    "parts": taken,
                    "model_version": served.model.info.version,
                    "policy_version": policies.national.version,
                    "offices": len(policies.offices),
                    **_beside(versions),
                },
            )
        self.ended(served)

    def _note_changes(self, served: Snapshot, last: Snapshot) -> None:
        before, after = last.versions, served.versions
        if before.model.info.version != after.model.info.version:
            versions = before.model.info.version, after.model.info.version
            self._acts.note("model changed", *versions, part="model")
        if before.told_canary != after.told_canary:
            self._acts.note("model changed", before.told_canary, after.told_canary, part="canary")
        if last.catalogue != served.catalogue:
            catalogues = last.catalogue.version, served.catalogue.version
            self._acts.note("policy changed", *catalogues, part="catalogue")
        for office in sorted({"", *last.policies.offices, *served.policies.offices}):
            policies = last.policies.of(office).version, served.policies.of(office).version
            if policies[0] != policies[1]:
                self._acts.note("policy changed", *policies, part="policy", office=office)

    def _tell_refused(self, served: Snapshot, last: Snapshot | None) -> None:
        before = last.refused if last else {}
        for (part, office), problem in served.refused.items():
            # Other files may change while this one is as bad as before: it was told already.
            if before.get((part, office)) == problem:
                continue
            self._metrics.reloads.labels(part, "refused").inc()
            _log.error(
                "refused; what was good before stands",
                extra={
                    "part": part,
                    "problem": problem,
                    "model_version": served.model.info.version,
                    "policy_version": served.policies.of(office).version,
                    **({"office": office} if office else {}),
                },
            )
            of_model = part in {"model", "canary", "shadow"}
            stands = served.model.info if of_model else served.policies.of(office)
            act = "model refused" if of_model else "policy refused"
            told = {"part": part, "why": problem, **({"office": office} if office else {})}
            self._acts.note(act, stands.version, stands.version, **told)
        self._metrics.versions.refuse([part for part, _ in served.refused])

    def ended(self, served: Snapshot) -> None:
        """Notes that a look has ended, and tells once of each version that has expired since."""
        now = datetime.now(UTC)
        self._metrics.versions.looked_at.set(now.timestamp())
        expired = {
            one.info.version: one.info.expires_at
            for one in served.versions.answering
            if one.info.is_expired(now)
        }
        for version in expired.keys() - self._told_expired:
            _log.warning(
                "the model has expired, and serves on",
                extra={"model_version": version, "expired_at": str(expired[version])},
            )
        self._told_expired = set(expired)


def _changed(served: Snapshot, last: Snapshot) -> list[str]:
    """Names the parts that are other than before."""
    now, before = served.policies, last.policies
    new, old = served.versions, last.versions
    changed = {
        "policy": now.national.version != before.national.version
        or served.catalogue != last.catalogue,
        "office_policy": now.versions != before.versions,
        "model": new.model is not old.model,
        "canary": new.canary is not old.canary or new.canary_offices != old.canary_offices,
        "shadow": new.shadow is not old.shadow,
    }
    return [part for part, is_other in changed.items() if is_other]


def _named(shadow: ModelVersion | str | None) -> tuple[str, str]:
    """Gives name and digest of what is asked beside; empty if nothing is."""
    if shadow is None or isinstance(shadow, str):
        return shadow or "", ""
    return shadow.info.version, shadow.info.sha256


def _beside(versions: Versions) -> dict[str, str]:
    """Tells of the versions beside the promoted one, as far as there are any."""
    shadow, _ = _named(versions.shadow)
    told = {"shadow": shadow}
    if versions.canary is not None:
        told["canary_version"] = versions.canary.info.version
    return {key: value for key, value in told.items() if value}
