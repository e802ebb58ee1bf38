"""Names and labels of metrics are a contract with ops: dashboards break when they change."""

from functools import cache
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from router.serving.metrics import Metrics
from tests.builders import ROOT
from tests.unit.router.serving.feedback import test_metrics as feedback
from tests.unit.router.serving.metric_shapes import told

FROZEN = {
    "grpc_server_started": ("counter", ("grpc_type", "grpc_service", "grpc_method")),
    "grpc_server_handled": ("counter", ("grpc_type", "grpc_service", "grpc_method", "grpc_code")),
    "grpc_server_handling_seconds": ("histogram", ("grpc_type", "grpc_service", "grpc_method")),
    "router_recommendations": ("counter", ("mix", "status", "model_version")),
    "router_safeguards_applied": ("counter", ("safeguard",)),
    "router_recommended_adviser_seconds": ("counter", ("mix",)),
    "router_digital_share_ratio": ("histogram", ("model_version",)),
    "router_expected_outcome_ratio": ("histogram", ("model_version",)),
    "router_margin_ratio": ("histogram", ("model_version",)),
    "router_margin_negative": ("counter", ("model_version",)),
    "router_doubts": ("counter", ("doubt", "model_version")),
    "router_unknown_fields": ("histogram", ("model_version",)),
    "router_office_recommendations": ("counter", ("office_band", "mix")),
    "router_field_drift_psi": ("gauge", ("field",)),
    "router_field_unknown_ratio": ("gauge", ("field",)),
    "router_field_unknown_trained_ratio": ("gauge", ("field",)),
    "router_advice_drift_psi": ("gauge", ()),
    "router_evaluated_mix_ratio": ("gauge", ("mix",)),
    "router_recent_mix_ratio": ("gauge", ("mix",)),
    "router_recent_expected_outcome_ratio": ("gauge", ()),
    "router_evaluated_outcome_ratio": ("gauge", ()),
    "router_drift_window_cases": ("gauge", ()),
    "router_journal_commit_seconds": ("histogram", ()),
    "router_journal_commit_failures": ("counter", ()),
    "router_journal_disk_free_bytes": ("gauge", ()),
    "router_journal_bytes": ("gauge", ()),
    "router_journal_queue_records": ("gauge", ()),
    "router_journal_up": ("gauge", ()),
    "router_journal_records": ("counter", ()),
    "router_journal_head_sequence": ("gauge", ()),
    "router_journal_head_failures": ("counter", ()),
    "router_withheld": ("counter", ("disclosure",)),
    "router_explored": ("counter", ()),
    "router_unknown_office": ("counter", ()),
    "router_policy_info": ("gauge", ("office", "version")),
    "router_policy_refused": ("gauge", ("office",)),
    "router_reloads": ("counter", ("part", "result")),
    "router_refused_callers": ("counter", ("caller", "reason")),
    "router_callers_file_refused": ("gauge", ()),
    "router_certificate_expiry_timestamp_seconds": ("gauge", ("file",)),
    "router_token_keys": ("gauge", ()),
    "router_token_keys_age_seconds": ("gauge", ()),
    "router_model_info": ("gauge", ("version", "sha256", "synthetic")),
    "router_model_age_seconds": ("gauge", ()),
    "router_ready": ("gauge", ()),
    "router_calls_in_flight": ("gauge", ()),
    "router_calls_in_flight_limit": ("gauge", ()),
    "router_loop_lag_seconds": ("histogram", ()),
    "router_part_refused": ("gauge", ("part",)),
    "router_last_look_timestamp_seconds": ("gauge", ()),
    "router_model_expires_timestamp_seconds": ("gauge", ("version",)),
    "router_model_expired": ("gauge", ("version",)),
    "router_canary_offices": ("gauge", ("version",)),
    "router_golden_cases": ("gauge", ("version",)),
    "router_shadow_info": ("gauge", ("shadow", "sha256")),
    "router_shadow_compared": ("counter", ("shadow", "mix", "agrees")),
    "router_shadow_more_adviser_seconds": ("counter", ("shadow",)),
    "router_shadow_less_adviser_seconds": ("counter", ("shadow",)),
    "router_shadow_missed": ("counter", ("reason",)),
}


def test_names_types_and_labels_are_frozen() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    rooms = (metrics, metrics.callers, metrics.drift, metrics.versions)
    parts = [vars(room) for room in rooms]
    assert told(registry, *(part.values() for part in parts)) == FROZEN


@cache
def moving() -> str:
    """Gives what moves metrics: tests, and the panels, each of which has a fault that moves it."""
    tests = (ROOT / "tests").rglob("*.py")
    files = [path for path in tests if path.name != Path(__file__).name]
    panels = ROOT / "deploy" / "grafana" / "panels.toml"
    return "\n".join(path.read_text() for path in [*files, panels])


@pytest.mark.parametrize("name", [*FROZEN, *feedback.FROZEN])
def test_a_metric_is_frozen_only_with_a_test_that_it_moves(name: str) -> None:
    assert name in moving(), f"no test names {name}: see step 4 of CONTRIBUTING.md, A metric"
