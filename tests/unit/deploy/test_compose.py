"""The laptop's services: reachable from the laptop alone, with what the project has."""

import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from router.commands.serve import serve
from tests.builders import ROOT
from tests.e2e.conftest import tool

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_reachable_from_this_machine_alone_and_of_a_named_version(name: str) -> None:
    service = SERVICES[name]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    _, _, version = service["image"].rpartition(":")
    assert version
    assert version != "latest"
    for mount in service.get("volumes", ()):
        source, _, rest = mount.partition(":")
        if source.startswith("./"):
            path = source.removeprefix("./")
            assert (ROOT / path).exists()
            assert rest.endswith(":ro")
        else:
            assert source in COMPOSE["volumes"]


def test_the_server_runs_as_in_a_cluster_and_its_command_and_settings_are_real() -> None:
    server = SERVICES["server"]
    assert server["read_only"] is True
    assert server["cap_drop"] == ["ALL"]
    assert server["build"]["target"] == "server"
    # Without a digest there is no image, and the message says how to find one.
    assert server["build"]["args"]["DIGEST"].startswith("${DIGEST:?")
    known = {name for option in serve.params for name in _names(option)}
    assert set(server["environment"]) <= known
    assert server["command"] == [serve.name]


def test_the_database_is_in_a_network_of_its_own() -> None:
    assert SERVICES["database"]["networks"] == ["inside"]
    assert "ports" not in SERVICES["database"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}


def test_prometheus_takes_its_configuration_with_the_projects_rules(tmp_path: Path) -> None:
    content = COMPOSE["configs"]["prometheus"]["content"]
    assert "/etc/prometheus/rules" in str(SERVICES["prometheus"]["volumes"])
    rules = str(ROOT / "deploy" / "prometheus")
    (tmp_path / "prometheus.yml").write_text(content.replace("/etc/prometheus/rules", rules))
    words = [tool("promtool"), "check", "config", str(tmp_path / "prometheus.yml")]
    checked = subprocess.run(words, check=False, capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stderr
    assert "rules found" in checked.stdout


def _names(option: click.Parameter) -> tuple[str, ...]:
    names = option.envvar or ()
    return (names,) if isinstance(names, str) else tuple(names)
