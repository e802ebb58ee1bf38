"""The demo's people: what serves each of them differs, and what they are advised differs too."""

import numpy as np

from router.cases.features import FEATURES
from router.cases.message import encode
from router.cases.problems import FieldProblem
from router.commands.demo import eight_people, sample_caseload
from router.decision.decide import Decider
from router.decision.decision import Status
from tests.builders import a_catalogue, a_policy, the_promoted_model
from training.simulation.effects import mix_values

POLICY = a_policy()
DECIDER = Decider(tables=the_promoted_model().tables, catalogue=a_catalogue(), policy=POLICY)


def rows() -> np.ndarray:
    problems: list[FieldProblem] = []
    found = np.array([encode(case, problems) for _, case in eight_people()], np.uint16)
    assert problems == []
    return found


def test_in_the_simulated_world_another_mix_is_best_for_each_of_the_eight() -> None:
    people = rows()
    slots = {name: people[:, k].astype(np.int64) for k, name in enumerate(FEATURES.names)}
    net = mix_values(slots, a_catalogue()) - POLICY.price * a_catalogue().minutes
    offered = DECIDER.safeguards.offered(people)
    assert len(set(np.where(offered, net, -np.inf).argmax(axis=1).tolist())) == 8


def test_the_shipped_version_advises_them_differently_and_without_doubt() -> None:
    decided = DECIDER.decide(rows()).each()
    assert {one.status for one in decided} == {Status.RECOMMENDED}
    assert len({one.mix for one in decided}) >= 6


def test_the_caseload_also_shows_each_way_in_which_a_case_is_not_plain() -> None:
    problems: list[FieldProblem] = []
    others = [case for _, case in sample_caseload()[8:]]
    decided = [DECIDER.decide_each([encode(case, problems)])[0] for case in others]
    assert [one.status for one in decided[:2]] == [Status.MANUAL_ONLY, Status.NEEDS_ASSESSMENT]
    assert [problem.field for problem in problems] == ["plan_user_created_percent"]
