"""An office's plan as messages: its figures as a whole, and what each case gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from router.cases.features import are_shielded
from router.planning.plan import Plan
from router.v1 import caseload_pb2, recommendation_pb2

# At most about 350 KB a message: clients refuse more than 4 MiB by default.
_CASES_AT_ONCE = 1_000
_WITHHELD = recommendation_pb2.STATUS_WITHHELD
# Figures that the message has by the same name.
_SAME = (
    *("plan_id", "office_ref", "model_version", "policy_version", "catalogue_version"),
    *("weeks", "budget_minutes", "adviser_minutes", "floor_minutes"),
    *("cases", "at_floor", "needs_assessment", "manual_only", "withheld", "office_unknown"),
    *("expected_outcomes", "value", "linear_value", "shadow_price", "price", "synthetic_model"),
)


def summary(figures: Mapping[str, Any]) -> caseload_pb2.CaseloadPlan:
    """Writes the plan as a whole.

    Args:
        figures: from `plan_figures`, and the names of office, model and record.
    """
    moved = figures["weakest_first"]
    return caseload_pb2.CaseloadPlan(
        **{name: figures[name] for name in _SAME},
        mixes=_counts(figures["mixes"]),
        more_hours=[
            caseload_pb2.MoreHours(
                hours=more["hours"],
                minutes=more["minutes"],
                expected_outcomes=more["expected_outcomes"],
                cases=more["cases"],
                need_groups=_counts(more["need_group"]),
                age_bands=_counts(more["age_band"]),
            )
            for more in figures["more_hours"]
        ],
        weakest_first=caseload_pb2.WeakestFirst(
            cases=moved["cases"],
            minutes=moved["minutes"],
            need_groups=[
                caseload_pb2.GroupMinutes(value=value, minutes=minutes)
                for value, minutes in moved["need_group"].items()
            ],
            expected_outcomes_given_up=moved["expected_outcomes_given_up"],
        ),
    )


def planned_cases(
    plan: Plan, case_refs: Sequence[str], top_coded: Mapping[int, Sequence[str]]
) -> Iterator[caseload_pb2.PlannedCases]:
    """Yields what each case gets, in order, so many at once that a message stays small.

    Nothing of a shielded case is told back but its number, and of one whose advice is withheld
    neither the mix nor what the model thinks.

    Args:
        plan: of n cases.
        case_refs: n, as sent.
        top_coded: by the number of a case, its fields that were read as "this or more".
    """
    # NO_MIX is -1, the last.
    names = (*plan.decider.catalogue.ids, "")
    mixes, statuses = plan.allocation.mix.tolist(), plan.status.tolist()
    minutes, at_floor = plan.minutes.tolist(), plan.at_floor.tolist()
    shielded, withheld = are_shielded(plan.rows).tolist(), plan.withheld.tolist()
    for start in range(0, len(case_refs), _CASES_AT_ONCE):
        yield caseload_pb2.PlannedCases(
            cases=[
                caseload_pb2.PlannedCase(
                    index=index,
                    case_ref="" if shielded[index] else case_refs[index],
                    status=_WITHHELD if withheld[index] else statuses[index],
                    mix_id="" if withheld[index] else names[mixes[index]],
                    adviser_minutes=minutes[index],
                    at_floor=at_floor[index],
                    top_coded_fields=top_coded.get(index, ()),
                )
                for index in range(start, min(start + _CASES_AT_ONCE, len(case_refs)))
            ]
        )


def _counts(counts: Mapping[str, int]) -> list[caseload_pb2.CaseCount]:
    return [caseload_pb2.CaseCount(value=value, cases=cases) for value, cases in counts.items()]
