"""The numbers that a policy may set, a row each: key, bounds, unit, default, and who may set it.

The reader of policies, `policy show` and `policy diff` and the table in docs/offices.md go by these
rows: a new value is an attribute in router/decision/policy.py and a row here.
What is not a number (a menu, languages), and a new table of the file, is read in
router/policies/policy_file.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter

from router.decision.policy import Policy
from router.policies.toml_file import TomlTable

Span = tuple[float, float]
"""The lowest and the highest value that are permitted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyValue:
    """A number that a policy may set, or several of one kind that have their bounds in common.

    Attributes:
        key: within its table of the file.
        table: of the file that it is in; "" for the file itself.
        attribute: where `Policy` has it: "attribute", or "part.attribute".
        unit: of the number.
        name: in [offices.bounds], and wherever it is told of alone.
        national: its bounds in the national policy; None if only offices have it.
        offices: whether offices may set it, within the bounds that the national policy names.
        each_of: what there is one such number for each of; "" for a single number. The reader of
            the policy's file knows how they are laid out.
        whole: whether it is a whole number.
        default: what it is where the national policy does not say; None if it must say. A value
            with a default need not be in [offices.bounds] either: offices then cannot set it.
    """

    key: str
    table: str = ""
    attribute: str
    unit: str
    name: str
    national: Span | None
    offices: bool = False
    each_of: str = ""
    whole: bool = False
    default: float | None = None

    @property
    def path(self) -> str:
        """Table and key, as `policy show` names it."""
        return f"{self.table}.{self.key}" if self.table else self.key

    def of(self, policy: Policy) -> float:
        """Gives what a policy says."""
        value: float = attrgetter(self.attribute)(policy)
        return value

    def read(
        self, table: TomlTable, spans: Mapping[str, Span], national: Policy | None
    ) -> float | None:
        """Reads the number from its table of a file.

        Args:
            table: that it may be in.
            spans: the bounds, by name; what has none cannot be set.
            national: what holds where the file does not say; None if the file is the national one.

        Returns:
            The number; None if it is neither there nor need be.

        Raises:
            PolicyError: if it is outside its bounds, not a number, or missing.
        """
        # A value that an office may not set has no span: its key
        # is then left untaken, and `finish` refuses it as unknown.
        otherwise = self.of(national) if national else self.default
        if self.name not in spans or (otherwise is not None and not table.has(self.key)):
            return otherwise
        lower, upper = spans[self.name]
        if self.whole:
            return table.integer(self.key, int(lower), int(upper))
        return table.number(self.key, lower, upper)

    def read_bounds(self, bounds: TomlTable) -> Span | None:
        """Reads how far offices may go from [offices.bounds]; None if they may not set it.

        Raises:
            PolicyError: if the bounds are no bounds, or missing.
        """
        if not self.offices or (self.default is not None and not bounds.has(self.name)):
            return None
        return bounds.span(self.name)


def _value(
    path: str,
    unit: str,
    national: Span | None,
    *,
    attribute: str = "",
    name: str = "",
    offices: bool = True,
    each_of: str = "",
    whole: bool = False,
    default: float | None = None,
) -> PolicyValue:
    """Makes a row; attribute and name are as in the file unless they are given."""
    table, _, key = path.rpartition(".")
    return PolicyValue(
        key=key,
        table=table,
        attribute=attribute or path,
        unit=unit,
        name=name or key,
        national=national,
        offices=offices,
        each_of=each_of,
        whole=whole,
        default=default,
    )


def _limit(key: str, unit: str, national: Span, *, offices: bool = False) -> PolicyValue:
    """Makes the row of a safeguard's limit."""
    return _value(
        f"safeguards.{key}",
        unit,
        national,
        attribute=f"limits.{key}",
        offices=offices,
        whole=True,
    )


# In the order in which `policy show` lists the bounds of offices.
VALUES = (
    _value("price_per_minute", "outcome points", (0, 0.05), attribute="price"),
    _value("weights", "times", (1, 10), each_of="value"),
    _value("minutes_per_week", "minutes", None),
    _value("baseline_minutes", "minutes", None, each_of="need group", whole=True),
    _limit("contact_gap_days", "days", (14, 180), offices=True),
    _limit("no_shows", "meetings", (1, 5)),
    _limit("unread_messages", "messages", (1, 20)),
    _limit("silence_days", "days", (14, 120)),
    _limit("reply_days", "days", (1, 30)),
    _value("abstention.unknown_fields", "fields", (0, 30), whole=True),
    _value("abstention.rare_cases", "cases", (0, 1_000_000), whole=True),
    _value("abstention.far_minutes", "minutes", (0, 1000)),
    _value("abstention.standard_errors", "standard errors", (0, 5)),
    _value("contact.days", "days", (1, 30), name="contact_days", whole=True, default=5),
    _value("exploration.share", "of cases", (0, 0.5), name="exploration_share"),
    _value("exploration.margin", "outcome points", (0, 0.05), name="exploration_margin"),
    _value("disclosure.after_own_view", "of cases", (0, 0.5)),
    _value("disclosure.control", "of cases", (0, 0.5)),
)
NATIONAL_SPANS: Mapping[str, Span] = {
    value.name: value.national for value in VALUES if value.national is not None
}
"""Bounds of the national policy's own values, by name."""
