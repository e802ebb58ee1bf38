"""Metrics of callers: whom the server refused, its certificates, the keys of tokens."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge


class CallerMetrics:
    """What is told of callers and of what they are known by."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Registers them."""
        self.refused = Counter(
            "router_refused_callers",
            "Calls that their caller may not make.",
            ("caller", "reason"),
            registry=registry,
        )
        self.file_refused = Gauge(
            "router_callers_file_refused",
            "1 while the callers' file is refused and the one before is in force.",
            registry=registry,
        )
        self.certificate_expiry = Gauge(
            "router_certificate_expiry_timestamp_seconds",
            "When the first certificate of a file ends.",
            ("file",),
            registry=registry,
        )
        self.token_keys = Gauge(
            "router_token_keys", "Keys by which tokens are verified.", registry=registry
        )
        self.token_keys_age = Gauge(
            "router_token_keys_age_seconds", "Time since they were last read.", registry=registry
        )

    def watch_token_keys(self, count: Callable[[], int], age: Callable[[], float]) -> None:
        """Reads the keys of tokens when asked."""
        self.token_keys.set_function(count)
        self.token_keys_age.set_function(age)
