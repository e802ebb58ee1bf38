"""The docs name what the code has."""

import re

import pytest
from prometheus_client import CollectorRegistry

from router.serving.metrics import Metrics
from tests.builders import ROOT, a_decider


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_safeguard_is_in_the_docs_with_its_field_requirement_and_legal_basis() -> None:
    rows = text("docs/safeguards.md")
    for rule in a_decider().safeguards.rules:
        pattern = rf"\| {rule.name} \| {rule.feature} \| .* \| {rule.requirement.value} \| {re.escape(rule.legal_basis)} \|"
        assert re.search(pattern, rows), rule.name


def test_every_metric_is_in_the_docs() -> None:
    registry = CollectorRegistry()
    Metrics(registry)
    documented = text("docs/operations.md")
    for family in registry.collect():
        assert f"| {family.name}{'_total' if family.type == 'counter' else ''} |" in documented


COMMANDS = "".join(path.read_text() for path in sorted((ROOT / "router" / "commands").glob("*.py")))


@pytest.mark.parametrize("variable", sorted(set(re.findall(r"ROUTER_[A-Z_]+", COMMANDS))))
def test_every_setting_is_in_the_readme(variable: str) -> None:
    assert f"`{variable}`" in text("README.md")
