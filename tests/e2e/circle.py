"""Helps test_circle: people whose effects are known ask a server, choose and reach their goals.

Their cases go to a real server, their choices and outcomes come back.
"""

import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from router.cases.features import FEATURES
from router.decision.catalogue import Catalogue
from router.v1 import channel_router_pb2, recommendation_pb2
from router.v1 import feedback_pb2 as pb
from tests.builders import a_case, a_row
from tests.e2e.conftest import Server
from training.simulation.effects import digital_logit, mix_effects
from training.simulation.population import Slots, draw_population
from training.simulation.worlds import WORLDS

VARIED = (
    "months_since_last_work",
    "weeks_registered",
    "expected_weeks_to_job",
    "plan_has_goal",
    "goal_by_user",
    "phone_talks_90d",
)
OFFICE = "exploring"
IN_FLIGHT = 16
OVERRIDES = 0.1
# Where they follow the advice, advisers record their choice of one case in so many. What is learned
# is intention to treat: it asks for no choice.
RECORDED = 10
BATCH = 1_000


@dataclass(frozen=True, kw_only=True)
class World:
    """Cases, what every mix is worth to each (n, mixes), and what is drawn for them beforehand.

    Attributes:
        slots: of every feature.
        values: chance that the goal is reached.
        override: (n,) whether adviser and user agree on at least `more` instead of the advice.
        luck: (n,) in [0, 1): the goal is reached where it is below the chance.
        more: number of a mix.
    """

    slots: Slots
    values: np.ndarray
    override: np.ndarray
    luck: np.ndarray
    more: int

    def agreed(self, advised: np.ndarray) -> np.ndarray:
        """Gives the number of the mix that is agreed on, shape (n,)."""
        return np.where(self.override, np.maximum(advised, self.more), advised)

    def worth(self, advised: np.ndarray) -> float:
        """Gives the share who reach the goal if these are advised: overrides are counted in."""
        # In expectation, not as drawn: luck is no part of a policy's worth.
        agreed = np.maximum(advised, self.more)
        each = np.arange(len(advised))
        return float(
            (
                (1 - OVERRIDES) * self.values[each, advised] + OVERRIDES * self.values[each, agreed]
            ).mean()
        )

    @property
    def rows(self) -> np.ndarray:
        """Rows of slots."""
        return np.stack([self.slots[name] for name in FEATURES.names], 1).astype(np.uint16)


def a_world(seed: int, count: int, catalogue: Catalogue) -> World:
    """Gives plain cases that differ in a few fields.

    Talks help the young much and keep the old from applying.

    Published effects would need hundreds of thousands of cases to be seen; these are twenty times
    as large. Some users are reserved, and only people may follow them up.
    """
    rng = np.random.default_rng(seed)
    drawn = draw_population(rng, count)
    slots = {
        name: np.full(count, slot, np.int64)
        for name, slot in zip(FEATURES.names, a_row().tolist(), strict=True)
    }
    slots |= {name: drawn[name] for name in VARIED}
    # Cases that contradict themselves, and those with a job to go to, are assessed by an adviser:
    # nothing is explored there. All worked lately, so that today's rule gives all the same.
    months, weeks = FEATURES["months_since_last_work"], FEATURES["expected_weeks_to_job"]
    slots[months.name] = np.minimum(slots[months.name], months.slot(6))
    slots[weeks.name] = np.maximum(slots[weeks.name], weeks.slot(1))

    young = rng.random(count) < 0.35
    age, reserved = FEATURES["age_band"], FEATURES["digitally_reserved"]
    slots["age_band"] = np.where(young, age.slot("18_24"), age.slot("60_66"))
    slots["digitally_reserved"] = np.where(
        rng.random(count) < 0.08, reserved.slot("YES"), reserved.slot("NO")
    )
    logit = (
        digital_logit(slots)[:, None]
        - 1
        + np.where(young, 20, -10)[:, None] * mix_effects(slots, catalogue, WORLDS["published"])
    )
    return World(
        slots=slots,
        values=1 / (1 + np.exp(-logit)),
        override=rng.random(count) < OVERRIDES,
        luck=rng.random(count),
        more=catalogue.ids.index("BLENDED_OFFICE"),
    )


def ask(server: Server, world: World) -> list[recommendation_pb2.Recommendation]:
    """Asks for advice on every case, in their order."""
    cases = [
        a_case(case_ref=f"c-{number}", office_ref=OFFICE, **changes)
        for number, changes in enumerate(_changes(world.slots))
    ]
    found = []
    for first in range(0, len(cases), BATCH):
        request = channel_router_pb2.RecommendBatchRequest(
            cases=cases[first : first + BATCH], view=channel_router_pb2.VIEW_BASIC
        )
        found += [
            result.recommendation
            for result in server.router.RecommendBatch(request, timeout=60).results
        ]
    return found


def _changes(slots: Slots) -> list[dict[str, object]]:
    columns = {}
    for name in (*VARIED, "age_band", "digitally_reserved"):
        feature, values = FEATURES[name], slots[name].tolist()
        columns[name] = [
            feature.values[slot - 1] if feature.values else slot - 1 + feature.lower
            for slot in values
        ]
    return [dict(zip(columns, one, strict=True)) for one in zip(*columns.values(), strict=True)]


def answer(
    server: Server,
    world: World,
    advice: Sequence[recommendation_pb2.Recommendation],
    mixes: Catalogue,
) -> None:
    """Records the outcome of every decision, each choice against the advice, and some others."""
    agreed = world.agreed(np.array([mixes.ids.index(one.mix.id) for one in advice]))
    reached = world.luck < world.values[np.arange(len(agreed)), agreed]
    chosen = world.override | (np.arange(len(agreed)) % RECORDED == 0)
    day = datetime.now(UTC).date().isoformat()

    def record(one: tuple[recommendation_pb2.Recommendation, int, bool, bool]) -> None:
        decision, mix, goal = one[0].decision_id, mixes.mixes[one[1]], one[2]
        if one[3]:
            choice = pb.RecordChoiceRequest(
                decision_id=decision, mix_id=mix.id, wished_by=pb.WISHED_BY_BOTH
            )
            choice.request_id = str(uuid.uuid4())
            server.feedback.RecordChoice(choice, timeout=30)
        spent = pb.ChannelTime(
            channel=recommendation_pb2.CHANNEL_PHONE, contacts=1, minutes=round(mix.adviser_minutes)
        )
        outcome = pb.RecordOutcomeRequest(
            decision_id=decision, goal_reached=goal, time=[spent], observed_on=day
        )
        outcome.request_id = str(uuid.uuid4())
        server.feedback.RecordOutcome(outcome, timeout=30)

    # `list` waits for all, and raises what any of them raised.
    with ThreadPoolExecutor(IN_FLIGHT) as pool:
        told = (agreed.tolist(), reached.tolist(), chosen.tolist())
        list(pool.map(record, zip(advice, *told, strict=True)))
