"""Builders for tests: a plain case, random rows, and a small model."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from router.cases.features import FEATURES
from router.decision.catalogue import Catalogue
from router.decision.decide import Decider
from router.decision.decision import NO_MIX, Status
from router.decision.pairs import Pair
from router.decision.policy import Policy
from router.decision.schema import Role
from router.decision.tables import DecisionTables, Floats
from router.files.aside import written_aside
from router.journal.recommendation import CodedMix, Reading, Tail, coded, subject_of
from router.journal.record import RECOMMENDATION, Record
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import load_policies
from router.v1 import case_pb2
from router.versions.registry import ModelInfo, ModelVersion, load_model, promoted_version

ROOT = Path(__file__).parent.parent
FOLDS = 5
KINDS_OF_VIEW = ("view", "language")
MODEL_SLOTS = sum(FEATURES.features[column].slots for column in FEATURES.columns(Role.MODEL))

PLAIN: dict[str, str | int | None] = {
    "shielded": "NO",
    "age_band": "30_39",
    "education_level": "BACHELOR",
    "education_recognised": "YES",
    "job_situation": "DISMISSED",
    "months_since_last_work": 3,
    "worked_6_of_last_12_months": "YES",
    "weeks_registered": 10,
    "benefit_type": "UNEMPLOYMENT",
    "benefit_weeks_left": 60,
    "need_group": "GOOD_OPPORTUNITIES",
    "main_goal": "GET_WORK",
    "self_assessed_need": "CAN_MANAGE",
    "expected_weeks_to_job": 8,
    "applications_4w": 6,
    "plan_has_goal": "YES",
    "goal_by_user": "YES",
    "plan_activities_active": 3,
    "plan_activities_overdue": 0,
    "plan_user_created_percent": 50,
    "messages_90d": 4,
    "phone_talks_90d": 1,
    "video_talks_90d": 0,
    "office_talks_90d": 1,
    "days_since_personal_contact": 20,
    "digital_skill": "STRONG",
    "digital_access": "FULL",
    "has_eid": "YES",
    "digitally_reserved": "NO",
    "manual_follow_up": "NO",
    "channel_preference": "NO_PREFERENCE",
    "channel_preference_strength": 1,
    "travel_minutes_band": "20_TO_60",
    "unemployed_per_100_vacancies": 150,
    "health_hindrance": "NO",
    "other_hindrance": "NO",
    "language_support": "NONE",
    "no_shows_180d": 0,
    "unread_messages": 0,
    "days_since_user_plan_activity": 5,
    "days_waiting_for_agency_reply": 0,
    "can_use_phone": "YES",
}


def a_row(**changes: str | int | None) -> np.ndarray:
    """Gives the row of a plain case with some values changed; None makes one unknown."""
    return FEATURES.row(**(PLAIN | changes))


def a_case(**changes: Any) -> case_pb2.Case:
    """Gives a plain case with some values changed, as a message; None makes one unknown."""
    values = PLAIN | {"case_ref": "c-1"} | changes
    case = case_pb2.Case()
    for name, value in values.items():
        if value is None:
            continue
        field = case_pb2.Case.DESCRIPTOR.fields_by_name[name]
        # The message has a plain truth value here: a sender must say it.
        if name == "shielded":
            value = value in (True, "YES")
        elif isinstance(value, str) and field.enum_type is not None:
            # Names of the contract carry their enum's name in front.
            prefix = field.enum_type.values[0].name.removesuffix("UNSPECIFIED")
            value = field.enum_type.values_by_name[prefix + value].number
        setattr(case, name, value)
    return case


@cache
def a_catalogue() -> Catalogue:
    """Gives the catalogue that the project ships."""
    return load_catalogue(ROOT / "policies" / "mixes.toml")


@cache
def a_policy(office: str = "") -> Policy:
    """Gives a policy that the project ships: the national one, or an office's."""
    return load_policies(ROOT / "policies", a_catalogue()).usable(office)


def the_promoted_model() -> ModelVersion:
    """Gives the version that the project ships and serves."""
    models = ROOT / "models"
    return load_model(models / promoted_version(models), FEATURES, a_catalogue())


def a_model(tables: DecisionTables) -> ModelVersion:
    """Gives a version with these tables, as if it had been verified and loaded."""
    info = ModelInfo(
        version="v1",
        sha256="0" * 64,
        trained_at=datetime(2026, 11, 25, 12, tzinfo=UTC),
        cases=1,
        synthetic=True,
        effects_vary=True,
    )
    return ModelVersion(info=info, tables=tables)


def random_tables(
    seed: int, *, effect: float = 0.02, spread: float = 0.004, mixes: int | None = None
) -> DecisionTables:
    """Draws tables with random effects, every value well supported.

    Those of a field and a mix are the same whatever other fields and mixes there are.

    Args:
        seed: of what is drawn.
        effect: standard deviation of a value.
        spread: of a fold around it.
        mixes: how many; those of the shipped catalogue if None.
    """
    mixes = mixes or len(a_catalogue().mixes)
    fields = [FEATURES.features[column] for column in FEATURES.columns(Role.MODEL)]
    own = {one.name: np.random.default_rng([seed, *one.name.encode()]) for one in fields}
    values = [_values(own[one.name], one.slots, effect, spread, mixes) for one in fields]
    # No value is rare, so that a decision is in doubt only where a test wants it.
    counts = [own[one.name].integers(100, 5000, one.slots) for one in fields]

    # Each mix a little better than the lighter one before it, as more talks are on average.
    steps = 0.012 * np.arange(mixes)
    intercept = np.full((len(steps), FOLDS), 0.4) + steps[:, None]
    rng = np.random.default_rng(seed)
    pairs = tuple(
        a_pair(rng, effect, spread, *map(FEATURES.column, names), mixes=mixes)
        for names in (("months_since_last_work", "age_band"), ("goal_by_user", "applications_4w"))
    )

    return DecisionTables(
        features=FEATURES,
        values=np.concatenate(values),
        intercept=intercept,
        counts=np.concatenate(counts),
        pairs=pairs,
    )


def _values(
    rng: np.random.Generator, cells: int, effect: float, spread: float, mixes: int
) -> Floats:
    """Draws values of every mix, shape (cells, mixes, folds), those of the first mixes first."""
    drawn = [
        rng.normal(0, effect, (cells, 1)) + rng.normal(0, spread, (cells, FOLDS))
        for _ in range(mixes)
    ]
    return np.stack(drawn, axis=1)


def a_pair(
    rng: np.random.Generator,
    effect: float,
    spread: float,
    first: int,
    second: int,
    *,
    mixes: int | None = None,
) -> Pair:
    """Draws cells over at most five bins of each of two features, unknown a bin of its own."""
    sides = []
    for column in (first, second):
        slots = FEATURES.features[column].slots
        sides.append((np.arange(slots) * min(5, slots) // slots).astype(np.uint16))
        # Where the first known slot fell into unknown's bin, all known ones move up by one.
        sides[-1][1:] += sides[-1][1] == 0

    cells = int((sides[0].max() + 1) * (sides[1].max() + 1))
    values = _values(rng, cells, effect, spread, mixes or len(a_catalogue().mixes))

    return Pair(
        first=first,
        second=second,
        first_bins=sides[0],
        second_bins=sides[1],
        values=values,
        counts=rng.integers(0, 900, cells),
    )


def a_decider(seed: int = 0, *, policy: Policy | None = None, **options: Any) -> Decider:
    """Gives a decider with random tables, the shipped catalogue and policy."""
    return Decider(
        tables=random_tables(seed, **options), catalogue=a_catalogue(), policy=policy or a_policy()
    )


def random_rows(seed: int, count: int) -> np.ndarray:
    """Draws rows, every field evenly over its slots; one in fifty is shielded, or silent."""
    rng = np.random.default_rng(seed)
    rows = np.stack([rng.integers(0, f.slots, count) for f in FEATURES.features], 1).astype(
        np.uint16
    )

    shielded = FEATURES.column("shielded")
    # Drawn evenly, two in three would be shielded or not say, and people alone would see them.
    rows[:, shielded] = np.where(
        rng.random(count) < 0.02, rows[:, shielded], FEATURES["shielded"].slot("NO")
    )

    # Mostly plain, or little else would be tested: these call for people, or forbid what is
    # digital, and by such times nearly every row would contradict itself.
    for name in (
        "digitally_reserved",
        "manual_follow_up",
        "has_eid",
        "digital_access",
        "digital_skill",
        "days_since_personal_contact",
        "days_since_user_plan_activity",
    ):
        plain = FEATURES[name].slot(PLAIN[name])
        column = FEATURES.column(name)
        rows[:, column] = np.where(rng.random(count) < 0.8, plain, rows[:, column])
    return rows


def a_reading(**changes: Any) -> Reading:
    """Tells how recommendations are read: today's fields, the shipped catalogue, no safeguards."""
    usual = Reading(
        model_version="m1",
        model_sha256="0" * 64,
        synthetic_model=False,
        policy_version="p1",
        catalogue_version="c1",
        features=coded(FEATURES.features),
        mixes=tuple(
            CodedMix(id=mix.id, minutes=mix.adviser_minutes) for mix in a_catalogue().mixes
        ),
        # Number 0 stands for none, as in the contract.
        statuses=("", *(status.name for status in Status)),
        safeguards=(),
    )
    return replace(usual, **changes)


def a_recorded_recommendation(
    reading: Reading, case_ref: str, *tail: str, at: int = 1_000, **columns: Any
) -> Record:
    """Gives a recommendation as the journal keeps it.

    Args:
        reading: how it is read.
        case_ref: as sent.
        tail: the rest of its `Tail`.
        at: when it was written.
        columns: of its row by name, 0 where not given; without a `mix` that of a shielded case.
    """
    (row,) = np.zeros(1, reading.layout.dtype)
    usual: dict[str, Any] = {
        "minutes": [mix.minutes for mix in reading.mixes],
        "mix": NO_MIX,
    }
    for name, value in (usual | columns).items():
        row[name] = value
    packed = {name: row[name].tolist() for name in reading.layout.dtype.names or ()}
    payload = reading.layout.pack(Tail(case_ref, *tail), **packed)
    return Record(
        uuid.uuid4().bytes,
        RECOMMENDATION,
        reading.context(),
        payload,
        at,
        subject=subject_of(case_ref),
    )


def put(path: Path, text: str | bytes) -> None:
    """Writes a file that somebody watches in one step: half of one, or none, is another file."""
    with written_aside(path) as aside:
        aside.write_bytes(text.encode() if isinstance(text, str) else text)
