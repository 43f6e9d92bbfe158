"""Log lines: an event's name with fields; pretty on a terminal, one JSON object a line otherwise."""

from __future__ import annotations

import json
import logging
import sys
from typing import Literal, TextIO

import msgspec
import structlog


def configure(
    form: Literal["auto", "pretty", "json"], stream: TextIO = sys.stderr, *, quiet: bool = False
) -> None:
    """Set up structlog; what libraries log is shown from WARNING on, in the same form.

    `quiet` is for commands: what is only information would drown what they print.
    """
    pretty = form == "pretty" or (form == "auto" and stream.isatty())
    last = (
        structlog.dev.ConsoleRenderer()
        if pretty
        else structlog.processors.JSONRenderer(serializer=_to_json)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            last,
        ],
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.WARNING if quiet else logging.INFO
        ),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_Forward()], force=True)
    # It logs each command at INFO and bodies at DEBUG.
    logging.getLogger("mail.log").setLevel(logging.WARNING)


def _to_json(fields: object, **_: object) -> str:
    try:
        return msgspec.json.encode(fields, enc_hook=repr).decode()
    except UnicodeEncodeError:  # half of a surrogate pair, in something that a stranger wrote
        return json.dumps(fields, default=repr)


class _Forward(logging.Handler):
    """A library's record as one of our lines; a traceback becomes its last line."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        error = record.exc_info[1] if record.exc_info else None
        log.log(
            record.levelno,
            "library.said",
            logger=record.name,
            said=record.getMessage(),
            **({"error": repr(error)} if error else {}),
        )
