"""A plan in figures: what a file, a journal record and a summary say of it, without any case."""

from __future__ import annotations

from typing import Any

from router.decision.decision import Status
from router.planning.plan import Plan


def plan_figures(plan: Plan) -> dict[str, Any]:
    """Gives the plan as JSON has it.

    Minutes are over the mixes' weeks, prices and outcomes in outcome points.

    Returns:
        policy_version, catalogue_version, weeks, budget_minutes, adviser_minutes, floor_minutes;
        numbers of cases, also at_floor, needs_assessment, manual_only, withheld and by mix;
        expected_outcomes, value, linear_value; shadow_price, price; more_hours and weakest_first as
        `MoreHours` and `WeakestFirst` name them.
    """
    decider, allocation, moved = plan.decider, plan.allocation, plan.weakest_first
    return {
        "policy_version": decider.policy.version,
        "catalogue_version": decider.catalogue.version,
        "weeks": decider.catalogue.mixes[0].weeks,
        "budget_minutes": allocation.budget,
        "adviser_minutes": allocation.minutes,
        "floor_minutes": allocation.floor_minutes,
        "cases": len(plan.rows),
        "at_floor": int(plan.at_floor.sum()),
        "needs_assessment": plan.count(Status.NEEDS_ASSESSMENT),
        "manual_only": plan.count(Status.MANUAL_ONLY),
        "withheld": int(plan.withheld.sum()),
        "mixes": dict(plan.by_mix),
        "expected_outcomes": allocation.outcome,
        "value": allocation.value,
        "linear_value": allocation.linear_value,
        "shadow_price": allocation.shadow_price,
        "price": plan.price,
        "more_hours": [
            {
                "hours": more.hours,
                "minutes": more.minutes,
                "expected_outcomes": more.outcome,
                "cases": more.cases,
                **{name: dict(counts) for name, counts in more.by.items()},
            }
            for more in plan.curve
        ],
        "weakest_first": {
            "cases": moved.cases,
            "minutes": moved.minutes,
            "need_group": dict(moved.by_need_group),
            "expected_outcomes_given_up": moved.outcome,
        },
    }
