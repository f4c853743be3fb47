"""Logs: one line of JSON an event, on standard error. What is logged is named field by field; Secrets never are."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

_KNOWN = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {"message", "asctime", "taskName"}
_SETTINGS_OF_KOPF = frozenset({"settings", "k8s_skip", "k8s_ref"})
_LIMIT = 8_192


class JsonLines(logging.Formatter):
    """Writes a record as one line of JSON: time, level, logger, event, then its own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage()[:_LIMIT],
        }
        fields = {name: value for name, value in vars(record).items() if name not in _KNOWN | _SETTINGS_OF_KOPF}
        line |= {name: value if isinstance(value, (int, float, bool)) else str(value) for name, value in fields.items()}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)[-_LIMIT:]
        return json.dumps(line, ensure_ascii=False, default=str)


def configure(level: int = logging.INFO) -> None:
    """Send every log of the process through it; libraries only from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("alphatrade_operator").setLevel(level)
    # While the server is away kopf tells every attempt of every watch; our own watches say the same once each.
    logging.getLogger("kopf._cogs.clients").setLevel(logging.CRITICAL)
