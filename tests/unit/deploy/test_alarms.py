"""Alarms: each is shown to fire and not to fire, and names a page that says what to do."""

import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.builders import ROOT
from tests.e2e.conftest import tool

FOLDER = ROOT / "deploy" / "prometheus"
TESTS = sorted(FOLDER.glob("*.rules.test.yml"))


@cache
def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return found


ALARMS = {
    rule["alert"]: rule
    for path in sorted(FOLDER.glob("*.rules.yml"))
    for group in read(path)["groups"]
    for rule in group["rules"]
    if "alert" in rule
}
# By alarm, what its tests expect of it: alarms, or none.
EXPECTED = {
    name: [
        len(one["exp_alerts"])
        for path in TESTS
        for test in read(path)["tests"]
        for one in test.get("alert_rule_test", ())
        if one["alertname"] == name
    ]
    for name in ALARMS
}


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_the_alarms_fire_when_they_should_and_only_then(path: Path) -> None:
    ended = subprocess.run(
        [tool("promtool"), "test", "rules", path.name],
        cwd=FOLDER,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("name", ALARMS)
def test_each_alarm_has_a_test_that_fires_and_one_that_does_not(name: str) -> None:
    assert any(EXPECTED[name])
    assert 0 in EXPECTED[name]


@pytest.mark.parametrize("name", ALARMS)
def test_each_alarm_names_its_page_and_how_urgent_it_is(name: str) -> None:
    rule = ALARMS[name]
    assert rule["labels"]["severity"] in {"page", "ticket", "warning"}
    page = ROOT / rule["annotations"]["runbook_url"]
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {page.stem}\n")
    assert "## Look" in text
    assert "## Do" in text


def test_no_page_is_left_of_an_alarm_that_is_gone() -> None:
    named = {Path(rule["annotations"]["runbook_url"]).name for rule in ALARMS.values()}
    assert {path.name for path in (ROOT / "docs" / "runbooks").glob("*.md")} == named


def test_a_log_line_that_a_page_names_is_one_that_the_server_writes() -> None:
    # Who looks for it searches for these very words. What a page says of a line stands in quotes.
    written = "".join(
        path.read_text(encoding="utf-8") for path in sorted((ROOT / "router").rglob("*.py"))
    )
    folder = ROOT / "docs"
    quoted = re.compile(r"\blog(?: line|:)[^`.\n]*`([^`\n]+)`")
    named = {
        (path.name, line)
        for path in [*(folder / "runbooks").glob("*.md"), folder / "security.md"]
        for line in quoted.findall(path.read_text(encoding="utf-8"))
    }
    assert len(named) >= 4
    assert not {one for one in named if f'"{one[1]}"' not in written}
