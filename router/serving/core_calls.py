"""Calls that gRPC's core refuses or drops before the server sees them: counted by its channelz."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from grpc_channelz.v1 import channelz_pb2
from grpc_channelz.v1.channelz import ChannelzServicer
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector


class CoreCalls(Collector):
    """Counts the calls that reached gRPC's core, and those that the server took up.

    What is between them waits, was refused for want of room, or was given up while it waited. Two
    counters rather than their difference: what waits may still be taken up, and no counter falls.
    """

    def __init__(self, taken: Callable[[], int]) -> None:
        """Counts from the first call on.

        Args:
            taken: gives the calls that the server took up.
        """
        self._taken = taken

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Gives both. What was taken up is read first: never more than has come."""
        taken = self._taken()
        yield CounterMetricFamily(
            "router_grpc_calls_received",
            "Calls over gRPC that came in, whatever became of them.",
            value=received(),
        )
        yield CounterMetricFamily(
            "router_grpc_calls_taken", "Those that gRPC's core handed on.", value=taken
        )


def received() -> int:
    """Counts the calls that have come to all gRPC servers of this process."""
    servers = ChannelzServicer.GetServers(channelz_pb2.GetServersRequest(), None).server
    return sum(one.data.calls_started for one in servers)
