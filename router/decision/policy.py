"""A policy: price, weight, menu, limits of abstention and safeguards, as checked frozen values."""

from __future__ import annotations

from dataclasses import dataclass

from router.decision.rulebook import SafeguardLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Abstention:
    """When a person must assess a case first."""

    unknown_fields: int
    rare_cases: int
    far_minutes: float
    standard_errors: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What decides beside the model: `price` in outcome points per adviser minute, `menu` of mixes on offer."""

    version: str
    price: float
    weight: float
    menu: tuple[str, ...]
    abstention: Abstention
    limits: SafeguardLimits
