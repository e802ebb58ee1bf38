"""The numbers that a policy may set: in the docs, and where files need not name them."""

import re
from pathlib import Path

import pytest

from router.policies.offices import load_policies
from router.policies.policy_values import VALUES, PolicyValue, Span
from router.policies.toml_file import PolicyError, read_toml
from tests.builders import ROOT, a_catalogue

DOCS = (ROOT / "docs" / "offices.md").read_text(encoding="utf-8")
SHIPPED = load_policies(ROOT / "policies", a_catalogue())
TRIED = PolicyValue(
    key="tried_mixes",
    table="abstention",
    attribute="abstention.tried_mixes",
    unit="mixes",
    name="tried_mixes",
    national=(0, 5),
    offices=True,
    whole=True,
    default=3,
)
"""A value that was added after files had been written."""


def told(span: Span | None, unit: str) -> str:
    if span is None:
        return "–"
    lower, upper = (f"{end:,g}" if end < 1_000_000 else f"{end:,.0f}" for end in span)
    return f"{lower} to {upper} {unit}"


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.path)
def test_the_docs_name_every_value_with_its_bounds_and_who_may_set_it(value: PolicyValue) -> None:
    if value.table:
        key = f"`[{value.table}]` `{value.key}`"
    else:
        key = f"`[{value.key}]`" if value.each_of else f"`{value.key}`"
    national = told(value.national, value.unit)
    office = told(SHIPPED.bounds.spans.get(value.name), value.unit)
    row = rf"^\| {re.escape(key)} \| .* \| {national} \| {office} \|$"
    assert re.search(row, DOCS, re.MULTILINE), row


def test_every_value_has_a_name_of_its_own() -> None:
    assert len({value.name for value in VALUES}) == len(VALUES)


@pytest.mark.parametrize(
    ("text", "read"),
    [("tried_mixes = 4", 4), ("", 3)],
)
def test_a_value_with_a_default_need_not_be_in_the_national_file(
    tmp_path: Path, text: str, read: int
) -> None:
    file = tmp_path / "national.toml"
    file.write_text(text)
    assert TRIED.read(read_toml(file), {"tried_mixes": (0, 5)}, None) == read


def test_offices_cannot_set_what_the_national_file_gives_no_bounds_for(tmp_path: Path) -> None:
    file = tmp_path / "office.toml"
    file.write_text("tried_mixes = 4")
    table = read_toml(file)
    assert TRIED.read_bounds(read_toml(ROOT / "policies" / "national.toml")) is None
    assert TRIED.read(table, {}, None) == 3
    with pytest.raises(PolicyError, match="tried_mixes: is not a known key"):
        table.finish()
