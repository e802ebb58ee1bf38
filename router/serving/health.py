"""The standard health service, whole: grpcio's own leaves out `List`, which reflection tells of."""

from __future__ import annotations

from grpc_health.v1 import health_pb2
from grpc_health.v1.health import aio


class HealthServicer(aio.HealthServicer):  # type: ignore[misc] # it has no types
    """Answers Check and Watch as grpcio does, and List."""

    def __init__(self) -> None:
        super().__init__()
        self._names: dict[str, None] = {}

    async def set(self, service: str, status: int) -> None:
        """Sets the status of a service; "" is the server itself."""
        self._names[service] = None
        await super().set(service, status)

    async def List(  # noqa: N802 - of the contract
        self, request: health_pb2.HealthListRequest, context: object
    ) -> health_pb2.HealthListResponse:
        """Gives the status of every service whose status was set."""
        del request
        statuses = {
            name: await self.Check(health_pb2.HealthCheckRequest(service=name), context)
            for name in self._names
        }
        return health_pb2.HealthListResponse(statuses=statuses)
