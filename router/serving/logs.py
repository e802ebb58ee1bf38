"""Structured logs: one JSON object a line on standard error, never a case's values."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime

import orjson

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
        return orjson.dumps(line, default=str).decode()


def set_up_logs(level: str) -> None:
    """Sends all logs to standard error as JSON."""
    out = logging.StreamHandler(sys.stderr)
    out.setFormatter(JsonFormatter())
    # Also what libraries have set up before: one line that is not JSON breaks a collector.
    logging.basicConfig(level=level, handlers=[out], force=True)
