"""The callers' file says who may call what; what it does not say clearly is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.policies.callers import CallersPolicy, Rate, load_callers
from router.policies.toml_file import PolicyError
from router.serving.callers.rules import RULES, WITHOUT_CREDENTIALS
from tests.builders import ROOT

PLAIN = """
version = "v"
[roles]
asks = ["router.v1.ChannelRouter/Recommend"]
reads = ["router.v1.Models/ListModels", "router.v1.ChannelRouter/Recommend"]
[[callers]]
name = "case-system"
roles = ["asks", "reads"]
offices = ["office-1", ""]
certificates = ["spiffe://example.org/case", "dns:case.example.org", "cn:Case system"]
tokens = ["c0de"]
cases_per_second = 2.5
"""


def read(folder: Path, text: str) -> CallersPolicy:
    path = folder / "callers.toml"
    path.write_text(text)
    return load_callers(path, RULES, WITHOUT_CREDENTIALS)


def test_a_caller_may_call_what_its_roles_name_for_its_offices(tmp_path: Path) -> None:
    policy = read(tmp_path, PLAIN)
    (caller,) = policy.callers
    assert caller.methods == {"router.v1.ChannelRouter/Recommend", "router.v1.Models/ListModels"}
    assert sorted(caller.offices or ()) == ["", "office-1"]
    assert caller.rate == Rate(cases_per_second=2.5, burst=2)
    assert policy.by_certificate["cn:Case system"] is policy.by_token["c0de"] is caller
    assert policy.anyone == frozenset()
    # Unless it says otherwise, tokens are those of a program, as Entra ID marks them.
    assert (policy.tokens.caller, dict(policy.tokens.claims)) == ("azp", {"idtyp": "app"})


def test_a_version_follows_what_is_said_and_not_how(tmp_path: Path) -> None:
    version = read(tmp_path, PLAIN).version
    assert version.startswith("v+")
    assert read(tmp_path, "# Read twice.\n" + PLAIN).version == version
    assert read(tmp_path, PLAIN.replace("office-1", "office-2")).version != version


def test_the_example_is_read_and_names_methods_that_there_are() -> None:
    policy = load_callers(ROOT / "deploy/callers/callers.toml", RULES, WITHOUT_CREDENTIALS)
    assert [one.name for one in policy.callers] == ["case-system", "planning-1", "reviews-1"]
    assert policy.callers[0].offices is None


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('version = "v"', "", "version: is missing"),
        ('version = "v"', 'version = "a b"', "version: 'a b' is not 1 to 64"),
        ('version = "v"', 'version = "v"\nanyone = ["x"]', r"anyone\[0\]: 'x' is not one of grpc"),
        (
            'version = "v"',
            'version = "v"\nanyone = ["router.v1.ChannelRouter/Recommend"]',
            r"anyone\[0\]: 'router.v1.ChannelRouter/Recommend' is not one of grpc.health",
        ),
        ("/Recommend", "/*", r"roles.asks\[0\]: 'router.v1.ChannelRouter/\*' is not one of router"),
        ('asks = ["router.v1.ChannelRouter/Recommend"]', "asks = []", "roles.asks: names no"),
        ('["asks", "reads"]', '["writes"]', r"callers\[0\].roles\[0\]: 'writes' is not one of"),
        ('["asks", "reads"]', "[]", r"callers\[0\].roles: names none of asks, reads"),
        ('offices = ["office-1", ""]', "", r"callers\[0\].offices: is missing"),
        ('["office-1", ""]', '["*", "office-1"]', r"offices: '\*' stands for all, and stands alo"),
        ('"office-1", ""', '"office-1", "office-1"', r"offices\[1\]: is there twice"),
        ('"office-1"', '"15507600333"', r"offices\[0\]: looks like a national identity number"),
        ('["office-1", ""]', '"office-1"', "offices: 'office-1' is not a list of texts"),
        ("cn:Case system", "Case system", r"certificates\[2\]: 'Case system' is not spiffe://"),
        ("dns:case.", "dns:Case.", r"certificates\[1\]: 'dns:Case.example.org' must be in small"),
        ("2.5", "0", "cases_per_second: 0 is outside 0.1 to"),
        ("2.5", "true", "cases_per_second: True is not a number"),
        ("2.5", "nan", "cases_per_second: nan is outside"),
        ("cases_per_second", "cases_per_minute", "cases_per_minute: is not a known key"),
        (
            "[roles]",
            '[tokens]\ncaller = "azp_name"\n[roles]',
            "tokens.caller: 'azp_name' is not one of azp, client_id, sub",
        ),
        (
            "cases_per_second = 2.5",
            '[[callers]]\nname = "other"\nroles = ["asks"]\noffices = ["*"]\ntokens = ["c0de"]',
            r"callers\[1\].tokens: 'c0de' is that of callers\[0\] already",
        ),
        (
            "cases_per_second = 2.5",
            '[[callers]]\nname = "other"\nroles = ["asks"]\noffices = ["*"]',
            r"callers\[1\].certificates: names none, nor does tokens",
        ),
    ],
)
def test_what_is_not_clear_is_refused_with_its_place(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    assert old in PLAIN
    with pytest.raises(PolicyError, match=rf"callers\.toml: .*{told}"):
        read(tmp_path, PLAIN.replace(old, new))
