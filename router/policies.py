"""Reads the national policy, policies/national.toml."""

from __future__ import annotations

import hashlib
from pathlib import Path

from router.decision.catalogue import Catalogue
from router.decision.policy import Abstention, Policy
from router.decision.rulebook import SafeguardLimits
from router.toml_file import read_toml


def load_policy(path: Path, catalogue: Catalogue) -> Policy:
    """Reads and checks a policy.

    Its version is the file's own followed by the start of its content's SHA-256, so that a changed value is always
    another version.

    Raises:
        PolicyError: naming file, key, value and bound.
    """
    table = read_toml(path)
    abstention = table.table("abstention")
    safeguards = table.table("safeguards")
    policy = Policy(
        version=f"{table.text('version')}+{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}",
        price=table.number("price_per_minute", 0, 0.05),
        weight=table.number("weight", 0.1, 10),
        menu=table.texts("menu", catalogue.ids),
        abstention=Abstention(
            unknown_fields=abstention.integer("unknown_fields", 0, 30),
            rare_cases=abstention.integer("rare_cases", 0, 1_000_000),
            far_minutes=abstention.number("far_minutes", 0, 1000),
            standard_errors=abstention.number("standard_errors", 0, 5),
        ),
        limits=SafeguardLimits(
            contact_gap_days=safeguards.integer("contact_gap_days", 14, 180),
            no_shows=safeguards.integer("no_shows", 1, 5),
            unread_messages=safeguards.integer("unread_messages", 1, 20),
            silence_days=safeguards.integer("silence_days", 14, 120),
            reply_days=safeguards.integer("reply_days", 1, 30),
        ),
    )
    for part in (abstention, safeguards, table):
        part.finish()
    return policy
