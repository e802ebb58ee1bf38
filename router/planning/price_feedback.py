"""Keeps a price in step with the cases that arrive, a little at a time.

    wanted = the price at which the service would have spent W weeks' minutes on W weeks' arrivals
    next   = price moved towards wanted, by a quarter at most, within the office's bounds

Why it is stable: what arrives does not depend on the price, so neither does `wanted`; there is no
loop to swing. If arrivals stay as they are the price is there after log(wanted / price) / log(1.25)
weeks and stays, but for the chance in W weeks of cases. If they grow by a share g a week the
minutes lag by about (W + 1) / 2 * g: by 1.25 % at half a per cent a week and four weeks.
"""

from __future__ import annotations

from router.decision.decide import Decider
from router.decision.schema import Rows
from router.planning.allocate import BudgetTooSmall
from router.planning.clearing_price import PRICE_AT_MOST
from router.planning.plan import plan_caseload

# Fewer weeks' cases are swayed by chance; more weeks lag further behind arrivals that grow.
WEEKS = 4
MOST_CHANGE = 0.25
"""Share by which a price rises, or falls back from, in one move."""
# A price of 0 could never rise by a share of itself; at this one 400 minutes cost 0.00004 outcomes.
_LEAST = 1e-7


def wanted_price(decider: Decider, arrivals: Rows, minutes: float) -> float:
    """Finds the price at which the service would have spent these minutes on these cases.

    Args:
        decider: of the office.
        arrivals: slots of the cases that arrived, shape (n, features), each once.
        minutes: the office's for as many weeks.

    Returns:
        Outcome points per adviser minute; `PRICE_AT_MOST` where even the floors take more.
    """
    try:
        return plan_caseload(decider, arrivals, minutes).price
    except BudgetTooSmall:
        return PRICE_AT_MOST


def next_price(price: float, wanted: float, bounds: tuple[float, float]) -> float:
    """Moves a price towards the wanted one, by a quarter at most and within bounds.

    Args:
        price: in force, outcome points per adviser minute.
        wanted: from `wanted_price`.
        bounds: lowest and highest that the office may set.
    """
    # Down by division: a move up and a move down end where they began.
    highest = max(price, _LEAST) * (1 + MOST_CHANGE)
    moved = min(max(wanted, price / (1 + MOST_CHANGE)), highest)
    return min(max(moved, bounds[0]), bounds[1])
