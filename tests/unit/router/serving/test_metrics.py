"""Names and labels of metrics are a contract with ops: dashboards break when they change."""

from prometheus_client import CollectorRegistry, Histogram, generate_latest

from router.serving.metrics import ManyHistogram, Metrics

FROZEN = {
    "grpc_server_started": ("counter", ("grpc_type", "grpc_service", "grpc_method")),
    "grpc_server_handled": ("counter", ("grpc_type", "grpc_service", "grpc_method", "grpc_code")),
    "grpc_server_handling_seconds": ("histogram", ("grpc_type", "grpc_service", "grpc_method")),
    "router_recommendations": ("counter", ("mix", "status", "model_version")),
    "router_safeguards_applied": ("counter", ("safeguard",)),
    "router_recommended_adviser_seconds": ("counter", ("mix",)),
    "router_digital_share_ratio": ("histogram", ()),
    "router_expected_outcome_ratio": ("histogram", ()),
    "router_margin_ratio": ("histogram", ()),
    "router_unknown_fields": ("histogram", ()),
    "router_journal_commit_seconds": ("histogram", ()),
    "router_journal_commit_failures": ("counter", ()),
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
}


def test_names_types_and_labels_are_frozen() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    labels = {
        metric._name: metric._labelnames
        for metric in vars(metrics).values()
        if hasattr(metric, "_labelnames")
    }
    found = {
        family.name: (family.type, tuple(labels.get(family.name, ())))
        for family in registry.collect()
    }
    assert found == FROZEN


def test_many_values_fall_into_the_buckets_of_a_plain_histogram() -> None:
    buckets, values = (0.1, 0.5, 1.0), [0.0, 0.1, 0.1000001, 0.7, 1.0, 3.0]
    plain, many = CollectorRegistry(), CollectorRegistry()
    histogram = Histogram("share_ratio", "Share.", buckets=buckets, registry=plain)
    for value in values:
        histogram.observe(value)
    ManyHistogram(many, "share_ratio", "Share.", buckets).observe(values)

    def lines(registry: CollectorRegistry) -> list[str]:
        return [
            line
            for line in generate_latest(registry).decode().splitlines()
            if "_created" not in line
        ]

    assert lines(many) == lines(plain)
