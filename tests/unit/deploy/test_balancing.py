"""Both ways to balance over the pods are those that were measured: see tests/faults/replicas.py."""

import json
import re
import subprocess
from pathlib import Path

import yaml
from channel_router_client.channels import service_config

from tests.builders import ROOT
from tests.e2e.conftest import tool

BALANCING = ROOT / "deploy" / "balancing"


def test_the_service_config_is_the_one_that_our_client_sets() -> None:
    written = json.loads((BALANCING / "round_robin.json").read_text())
    assert written == service_config(health_check=True)


def test_envoy_takes_its_configuration_and_refuses_a_misspelt_one(tmp_path: Path) -> None:
    def verdict(path: Path) -> subprocess.CompletedProcess[str]:
        words = ["--mode", "validate", "--log-level", "critical", "-c", path]
        return subprocess.run(
            [tool("envoy"), *map(str, words)],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )

    taken = verdict(BALANCING / "envoy.yaml")
    assert taken.returncode == 0, taken.stderr
    wrong = tmp_path / "envoy.yaml"
    text = (BALANCING / "envoy.yaml").read_text()
    wrong.write_text(text.replace("no_traffic_interval", "no_trafic_interval"))
    assert verdict(wrong).returncode != 0


def test_envoy_sends_again_the_calls_that_our_client_sends_again() -> None:
    config = yaml.safe_load((BALANCING / "envoy.yaml").read_text())
    (listener,) = config["static_resources"]["listeners"]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    again, _ = manager["route_config"]["virtual_hosts"][0]["routes"]
    assert "reset" in again["route"]["retry_policy"]["retry_on"]
    taken = re.compile(again["match"]["safe_regex"]["regex"])
    (sent,) = service_config(health_check=True)["methodConfig"]
    for name in sent["name"]:
        assert taken.fullmatch(f"/{name['service']}/{name.get('method', 'Any')}")
    for path in ("ChannelRouter/RecommendStream", "CaseloadPlanner/PlanCaseload"):
        assert not taken.fullmatch(f"/router.v1.{path}")
