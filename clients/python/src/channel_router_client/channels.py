"""The channel to the service: balanced, health-checked, with retries, past proxies on loopback."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Sequence
from typing import Any

import grpc

HEALTH_SERVICE = "router.v1.ChannelRouter"
# Streams are not among them: what was answered cannot be taken back.
_ROUTING = ("Recommend", "RecommendBatch", "GetRecommendation", "ListRecommendations")
_WHOLE_SERVICES = ("router.v1.Feedback", "router.v1.Models")
_SCHEME = re.compile(r"^(dns|ipv4|ipv6|passthrough):(//[^/]*/)?")


def service_config(*, health_check: bool) -> dict[str, Any]:
    """Gives the channel's service config.

    Every call that it sends again is one that the server counts once, by its request id, or one
    that only reads.

    Args:
        health_check: whether servers that do not say that they serve are left alone.
    """
    retried = [{"service": "router.v1.ChannelRouter", "method": name} for name in _ROUTING]
    retried += [{"service": name} for name in _WHOLE_SERVICES]
    config: dict[str, Any] = {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [
            {
                "name": retried,
                "retryPolicy": {
                    "maxAttempts": 4,
                    "initialBackoff": "0.2s",
                    "maxBackoff": "2s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE", "RESOURCE_EXHAUSTED", "CANCELLED"],
                },
            }
        ],
        # When most calls fail, sending them again would only add to the load.
        "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1},
    }
    if health_check:
        config["healthCheckConfig"] = {"serviceName": HEALTH_SERVICE}
    return config


def is_loopback(target: str) -> bool:
    """Tells whether a gRPC target is on this machine, with all addresses that it lists."""
    if target.startswith(("unix:", "unix-abstract:")):
        return True
    return all(_is_near(address) for address in _SCHEME.sub("", target).split(","))


def _is_near(address: str) -> bool:
    # An IPv6 address holds colons itself, and then stands in brackets if a port follows.
    bracketed = re.fullmatch(r"\[([^\]]*)\](:\d+)?", address)
    if bracketed:
        host = bracketed[1]
    else:
        host = address.rpartition(":")[0] if address.count(":") == 1 else address
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        # Names know no capitals.
        return host.lower() == "localhost" or host.lower().endswith(".localhost")


def open_channel(
    target: str,
    *,
    credentials: grpc.ChannelCredentials | None,
    health_check: bool,
    options: Sequence[tuple[str, Any]],
) -> grpc.Channel:
    """Opens a channel.

    Args:
        target: of the servers, e.g. "dns:///router.example:50051".
        credentials: of TLS; None for plain text.
        health_check: as in `service_config`.
        options: further ones of gRPC, which win over those set here.
    """
    mine = [("grpc.service_config", json.dumps(service_config(health_check=health_check)))]
    every: list[tuple[str, Any]] = [*mine]
    if is_loopback(target):
        # gRPC would ask the proxy of the environment for this machine too.
        every.append(("grpc.enable_http_proxy", 0))
    chosen = {name for name, _ in options}
    every = [one for one in every if one[0] not in chosen] + list(options)
    if credentials is None:
        return grpc.insecure_channel(target, options=every)
    return grpc.secure_channel(target, credentials, options=every)
