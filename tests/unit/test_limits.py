"""The contract's numbers, the page of limits and the code agree on every bound."""

import importlib
import inspect
import re
from pathlib import Path
from typing import Any

import click
import pytest

from router.cases.features import REFERENCES
from router.journal.feedback import CONTACTS_AT_MOST, MINUTES_AT_MOST
from router.planning.plan import MORE_HOURS
from router.serving.caseload import cases as caseload
from router.serving.paging import PAGE, PAGE_AT_MOST
from router.serving.routing.reasons import REASONS_AT_MOST
from router.serving.routing.service import CASES_AT_MOST, FULL_AT_MOST
from router.serving.server import _OPTIONS
from tests.builders import ROOT, a_catalogue

UNITS = {"MiB": 1 << 20, "KiB": 1 << 10, "bytes": 1, "characters": 1, "s": 1, "ms": 1, "": 1}
ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| `([^`|]+)`(?: `([^`|]+)`)? \|$", re.MULTILINE)
ROWS: list[tuple[str, str, str, str]] = ROW.findall((ROOT / "docs" / "limits.md").read_text())


def in_the_code(path: str, name: str) -> Any:
    """Gives a constant, an option's or an argument's default, or a gRPC option, by its name."""
    module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
    if name.startswith("grpc."):
        value = dict(_OPTIONS)[name]
        return value / 1_000 if name.endswith("_ms") else value
    if name.startswith("--"):
        commands = (one for one in vars(module).values() if isinstance(one, click.Command))
        options = (option for command in commands for option in command.params)
        return next(option.default for option in options if name in option.opts)
    if hasattr(module, name):
        return getattr(module, name)
    (found,) = (
        inspect.signature(one).parameters[name].default
        for one in vars(module).values()
        if inspect.isclass(one)
        and one.__module__ == module.__name__
        and name in inspect.signature(one).parameters
    )
    return found


def test_the_page_has_its_tables() -> None:
    lines = (ROOT / "docs" / "limits.md").read_text().splitlines()
    rows = [line for line in lines if line.startswith("|") and "---" not in line]
    assert len(ROWS) == len(rows) - sum(line.startswith("| limit |") for line in rows) > 25


@pytest.mark.parametrize(("limit", "value", "path", "name"), ROWS, ids=[row[0] for row in ROWS])
def test_each_limit_on_the_page_is_the_codes(limit: str, value: str, path: str, name: str) -> None:
    assert (ROOT / path).is_file(), limit
    told = re.fullmatch(r"([\d,]+) ?(\w*)", value)
    if told is None:
        assert not re.search(r"\d", value)
        return
    number, unit = told.groups()
    assert in_the_code(path, name) == int(number.replace(",", "")) * UNITS[unit]


def comments() -> dict[str, str]:
    """Gives the comment of each message, field, enum value and call, by its path."""
    found: dict[str, str] = {}
    for path in sorted((ROOT / "proto" / "router" / "v1").glob("*.proto")):
        found |= _comments_of(path)
    return found


def _comments_of(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    within, said = [path.stem], list[str]()
    for line in map(str.strip, path.read_text().splitlines()):
        if line.startswith("//"):
            said.append(line.removeprefix("//").strip())
            continue
        name = re.match(r"(?:message|enum|service|oneof|rpc) (\w+)|(?:[\w. ]+ )?(\w+) = \d", line)
        if name:
            found[".".join([*within, name[1] or name[2]])] = " ".join(said)
        if line.endswith(("{", "[", "[(feature) = {", "= {")):
            within.append(name[1] or name[2] if name else "")
        if line.startswith(("}", "]")):
            within.pop()
        if line:
            said = []
    return found


COMMENTS = comments()
MESSAGE = dict(_OPTIONS)["grpc.max_receive_message_length"] >> 20
WEEKS = a_catalogue().mixes[0].weeks
PAGES = f"; 0 means {PAGE}, more than {PAGE_AT_MOST} means {PAGE_AT_MOST}."
CHANNEL = "channel_router.ChannelRouter.RecommendBatch"
# Every comment with a bound, and what it must say.
SAID = {
    "case.Case.case_ref": f"1 to {REFERENCES['case_ref'].longest} letters",
    CHANNEL: f"1 to {CASES_AT_MOST:,} cases",
    "channel_router.RecommendBatchRequest.cases": (
        f"1 to {CASES_AT_MOST:,}, or 1 to {FULL_AT_MOST} in the FULL view"
    ),
    "channel_router.ListRecommendationsRequest.page_size": PAGES,
    "feedback.ListReviewsRequest.page_size": PAGES,
    "models.ListModelsRequest.page_size": PAGES,
    "models.ListFeaturesRequest.page_size": PAGES,
    "models.ListMixesRequest.page_size": PAGES,
    "models.ListSafeguardsRequest.page_size": PAGES,
    "caseload.CaseloadPlanner.PlanCaseload": f"1 to {caseload.CASES_AT_MOST:,} in all",
    "caseload.PlanHeader.hours": f"0 to {caseload.HOURS_AT_MOST:,}.",
    "caseload.CaseChunk.cases": f"at most {MESSAGE} MiB",
    "caseload.CaseloadPlan.more_hours": "What {}, {} and {} hours more".format(*MORE_HOURS),
    "feedback.ChannelTime.contacts": f"0 to {CONTACTS_AT_MOST:,}.",
    "feedback.ChannelTime.minutes": f"0 to {MINUTES_AT_MOST:,}; 0 if no contact",
    "feedback.RecordOutcomeRequest.result.outcome": "0 (not at all) to 1 (in full)",
    "recommendation.Recommendation.reasons": f"at most {REASONS_AT_MOST}",
    "recommendation.Mix": {12: "over twelve weeks"}[WEEKS],
}
# Shares, by what they are; "0 or 1" and numbers of enums' values are no bounds.
SHARES = re.compile(r"0 to 1\b(?!,)")
BOUND = re.compile(r"\b[\d,]+ to [\d,]+|at most [\d,]+|more than \d|up to \d", re.IGNORECASE)


@pytest.mark.parametrize("path", SAID)
def test_the_contract_says_the_bound_that_the_code_has(path: str) -> None:
    assert SAID[path] in COMMENTS[path]


def test_no_bound_in_the_contract_is_left_unchecked() -> None:
    bounds = {path for path, said in COMMENTS.items() if BOUND.search(SHARES.sub("", said))}
    # The bands of enums are names, and the fields' own bounds are read by the code itself.
    bounds = {path for path in bounds if not path.split(".")[-1].isupper()}
    assert bounds - set(SAID) == set()
