"""Structured logs: one JSON object a line on standard error, never a case's values."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from logging.handlers import QueueHandler
from queue import Full, Queue
from threading import Thread

import orjson
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from router.addresses import without_secrets

LINES_WAITING = 10_000
"""So many lines wait for whoever reads standard error, about 3 MB; what comes then is lost."""
_STDERR = 2
# What is told last is why a server stopped.
_LAST_SECONDS = 1.0

# What every record has; the rest was given as `extra`.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """Formats a record as JSON: time, level, logger, message and what was given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """Writes one line."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info and record.exc_info[0]:
            # Its kind alone: what an error says may repeat a case's values.
            line["error"] = record.exc_info[0].__name__
        return without_secrets(orjson.dumps(line, default=str).decode())


def _no_fault_of_ours(record: logging.LogRecord) -> bool:
    """Tells as what it is that an answer found nobody, or that a call was given up at once.

    Whoever gives up between two of grpc's looks makes it fail in the core, and who does before the
    method has begun makes it cancelled; grpc calls both an error of the method.
    """
    kind = record.exc_info[0] if record.exc_info else None
    if kind and kind.__name__ in ("ExecuteBatchError", "CancelledError"):
        record.levelno, record.levelname = logging.INFO, "INFO"
    return True


class Lines(QueueHandler, Collector):
    """Hands lines to a thread that writes them, so that no call waits for who reads them.

    A pipe whose reader has stopped takes 64 KiB, and then whoever writes to it waits for ever.
    """

    def __init__(self, waiting: int = LINES_WAITING) -> None:
        """Makes room for so many lines."""
        self._lines: Queue[logging.LogRecord] = Queue(waiting)
        super().__init__(self._lines)
        self.setFormatter(JsonFormatter())
        self.addFilter(_no_fault_of_ours)
        self._lost = 0

    def enqueue(self, record: logging.LogRecord) -> None:
        """Hands on a line, or counts it as lost."""
        try:
            self._lines.put_nowait(record)
        except Full:
            self._lost += 1

    def write_to(self, out: io.TextIOBase) -> None:
        """Writes from now on, until the program ends."""
        # No handler of `logging`: its lock would be waited for at the end.
        Thread(target=self._write, args=(out,), daemon=True, name="log").start()

    def _write(self, out: io.TextIOBase) -> None:
        while True:
            line = self._lines.get().getMessage()
            try:
                out.write(f"{line}\n")
            except OSError:
                # Whoever read them is gone for good, or the disk is full.
                self._lost += 1
            self._lines.task_done()

    def flush(self) -> None:
        """Waits until all lines are written, a second at most; `logging` does so at the end."""
        done = self._lines.all_tasks_done
        with done:
            done.wait_for(lambda: not self._lines.unfinished_tasks, _LAST_SECONDS)

    def collect(self) -> Iterable[Metric]:
        """Tells Prometheus of lines that were lost."""
        yield CounterMetricFamily(
            "router_log_lines_lost",
            "Lines of the log that were not written, for nobody read those before.",
            self._lost,
        )


def set_up_logs(level: str, registry: CollectorRegistry) -> None:
    """Sends all logs to standard error as JSON, and counts what is lost."""
    lines = Lines()
    # Its own stream, not `sys.stderr`: the interpreter would wait for that one's lock at the end.
    raw = io.FileIO(_STDERR, "w", closefd=False)
    lines.write_to(io.TextIOWrapper(raw, "utf-8", write_through=True))
    registry.register(lines)
    # Also what libraries have set up before: one line that is not JSON breaks a collector.
    logging.basicConfig(level=level, handlers=[lines], force=True)
