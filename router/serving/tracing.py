"""Traces for OpenTelemetry, an extra: a span for each call, its decision and its journal write.

Spans hold a method, a code and durations, never a value of a case. Without `set_up` nothing is
imported and nothing is recorded.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any
from urllib.parse import urlsplit

from router.loopback import is_loopback
from router.serving.settings import SettingsError

Metadata = Iterable[tuple[str, str | bytes]]
# A collector that does not answer is asked again and again for ten seconds; a stop is not for it.
END_SECONDS = 2.0
_NOTHING: AbstractContextManager[Any] = nullcontext()


class Traces:
    """Records spans, or nothing until `begin`."""

    def __init__(self) -> None:
        self._tracer: Any = None
        self._provider: Any = None
        self._parent: Any = None

    def begin(self, endpoint: str) -> None:
        """Begins to send spans, from a thread of their own.

        Args:
            endpoint: of a collector, OTLP over HTTP, such as http://127.0.0.1:4318/v1/traces.

        Raises:
            SettingsError: if the libraries are missing.
        """
        try:
            import requests  # noqa: PLC0415
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
                OTLPSpanExporter,
            )
            from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
            from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
            from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
            from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
                TraceContextTextMapPropagator,
            )
        except ImportError as error:
            told = f"needs more libraries; install channel-router[traces] ({error})"
            raise SettingsError("traces", told) from error
        session = requests.Session()
        # Else the proxy of the environment would be asked for this machine too.
        session.trust_env = not is_loopback(urlsplit(endpoint).hostname or "")
        exporter = OTLPSpanExporter(endpoint=endpoint, session=session)
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": "channel-router"}),
            # It would wait once more, as the process ends, for a collector that is away.
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("router.serving")
        self._parent = TraceContextTextMapPropagator()

    def end(self) -> None:
        """Sends what waits, and ends; spans that are not taken in `END_SECONDS` are lost."""
        if self._provider is not None:
            # A thread that the end of the process does not wait for.
            ending = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
            ending.start()
            ending.join(END_SECONDS)
            self._provider = self._tracer = None

    def call(self, method: str, metadata: Metadata) -> AbstractContextManager[Any]:
        """Gives the span of a call, below the caller's own where its metadata names one."""
        if self._tracer is None:
            return _NOTHING
        from opentelemetry.trace import SpanKind  # noqa: PLC0415

        carried = {name: value for name, value in metadata if name in {"traceparent", "tracestate"}}
        service, _, name = method.strip("/").rpartition("/")
        return self._span(
            method.strip("/"),
            context=self._parent.extract(carried),
            kind=SpanKind.SERVER,
            attributes={"rpc.system": "grpc", "rpc.service": service, "rpc.method": name},
        )

    def step(self, name: str) -> AbstractContextManager[Any]:
        """Gives the span of a step of what runs now.

        Calls that are answered together share one, below the span of the first of them.
        """
        return _NOTHING if self._tracer is None else self._span(name)

    def _span(self, name: str, **options: object) -> AbstractContextManager[Any]:
        # What an error says may repeat a case's values: of errors only the code is told.
        found: AbstractContextManager[Any] = self._tracer.start_as_current_span(
            name, record_exception=False, set_status_on_exception=False, **options
        )
        return found


TRACES = Traces()
"""Those of this process, as logs are."""
