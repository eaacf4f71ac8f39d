"""Logs for machines, of the crawler and of the API: one JSON object a line. The standard library only."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime


class JsonFormatter(logging.Formatter):
    """`time` (UTC), `level`, `logger`, `message`, `fields`; `request_id`, `exception`, `stack` where there are any."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        """What every line tells besides: the run that it is of."""

    def format(self, record: logging.LogRecord) -> str:
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **self.fields,
        }
        if (request := getattr(record, "request_id", None)) is not None:
            told["request_id"] = request
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            told["stack"] = self.formatStack(record.stack_info)
        # ASCII: whatever a page said can be written, and no line ends within it.
        return json.dumps(told)
