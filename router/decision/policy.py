"""A policy: price, weights, menu, limits of abstention and safeguards, as checked frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from router.decision.rulebook import SafeguardLimits
from router.decision.weights import Weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Abstention:
    """When a person must assess a case first, and when two mixes are told to be near-equal.

    Attributes:
        unknown_fields: model inputs that may be unknown without a doubt.
        rare_cases: fewer training cases near a value than this make it rare.
        far_minutes: near-equal is told of mixes at least so far apart.
        standard_errors: and whose difference is within so many.
    """

    unknown_fields: int
    rare_cases: int
    far_minutes: float
    standard_errors: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploration:
    """For which cases the mix is drawn.

    Attributes:
        share: of cases.
        margin: outcome points below the best mix within which a permitted one may be drawn.
        mixes: ids of those that may be drawn; all of the menu if none is named.
    """

    share: float
    margin: float
    mixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DisclosureShares:
    """Shares of cases whose advice is withheld.

    Attributes:
        after_own_view: until the adviser has recorded an own view.
        control: for good.
    """

    after_own_view: float
    control: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactPolicy:
    """How a user reaches the office, and how soon an adviser gets in touch.

    Attributes:
        phone: number; "" if none is given.
        days: within which an adviser contacts the user where one must.
    """

    phone: str
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What decides beside the model.

    Attributes:
        version: follows from the content: another value is another version.
        office: whose it is; "" for the national one.
        price: of an adviser minute, outcome points.
        weights: the weakest-first weight.
        menu: mixes on offer.
        abstention: when a person must assess first.
        limits: from which counts and days on safeguards apply.
        minutes_per_week: adviser minutes that the office has; None nationally.
        baseline_minutes: the office's practice before, minutes a case over a mix's weeks, by need
            group and "UNKNOWN".
        languages: of texts, the one written when a call names none first.
        exploration: off unless its share is above 0.
        disclosure: all advice is shown unless a share is above 0.
        contact: between user and office.
    """

    version: str
    office: str
    price: float
    weights: Weights
    menu: tuple[str, ...]
    abstention: Abstention
    limits: SafeguardLimits
    minutes_per_week: float | None
    baseline_minutes: Mapping[str, int]
    languages: tuple[str, ...]
    exploration: Exploration
    disclosure: DisclosureShares
    contact: ContactPolicy
