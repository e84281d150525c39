"""Logs as one JSON object a line, as collectors of logs read them."""

import json
import logging
import sys


class Json(logging.Formatter):
    """time, level, logger, message, and the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def configure() -> None:
    """Send everything to stderr in this form, what ends the process and what libraries warn of included."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Json())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.captureWarnings(True)
    log = logging.getLogger("lepton.operator")
    sys.excepthook = lambda *error: log.critical("it ends: %s", error[1], exc_info=error)
