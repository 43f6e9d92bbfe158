"""Log lines: an event's name with fields; pretty on a terminal, one JSON object a line otherwise."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import suppress
from typing import Any, Literal, TextIO, cast

import msgspec

from gateway.lean import without

with without("rich"):  # 5 MB and 0.1 s, for tracebacks that we print ourselves
    import structlog

_OURS = frozenset({"channels", "gateway", "normalizer", "scheduler", "store"})


def configure(
    form: Literal["auto", "pretty", "json"], stream: TextIO = sys.stderr, *, quiet: bool = False
) -> None:
    """Set up structlog; what libraries log is shown from WARNING on, in the same form.

    `quiet` is for commands: what is only information would drown what they print.
    """
    pretty = form == "pretty" or (form == "auto" and stream.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _exceptions,
            *(_PRETTY if pretty else _JSON),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _Patient(stream))),
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.WARNING if quiet else logging.INFO
        ),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_Forward()], force=True)
    # It logs each command at INFO and bodies at DEBUG.
    logging.getLogger("mail.log").setLevel(logging.WARNING)


class _Patient:
    """A line that cannot be written, to a full disk or a pipe that nobody reads, is only missing.

    Else whatever had something to tell would fall over telling it: a mail that is stored, say.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, line: str) -> None:
        with suppress(OSError):
            self._stream.write(line)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def _to_json(fields: object, **_: object) -> str:
    try:
        written = msgspec.json.encode(fields, enc_hook=repr).decode()
    except UnicodeEncodeError:  # half of a surrogate pair, in something that a stranger wrote
        written = ""
    # U+0085 and U+2028 end a line for some readers, and U+009B begins an escape sequence.
    return written if written.isascii() and written else json.dumps(fields, default=repr)


def _exceptions(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """An exception as text: where it was raised, and what it says if that can be shown."""
    given = event.pop("exc_info", None)
    error = given[1] if isinstance(given, tuple) else given
    error = error if isinstance(error, BaseException) else given and sys.exc_info()[1]
    if error:
        event["exception"] = "\n".join(_lines(error))
    return event


def _lines(error: BaseException) -> Iterator[str]:
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause:
        yield from _lines(cause)
    yield from "".join(traceback.format_tb(error.__traceback__)).splitlines()
    yield told(error)


def told(error: BaseException) -> str:
    """What an exception says, if it is ours or the operating system's; of others only the kind.

    A library's words may hold the mail that it failed on: SQLAlchemy prints the row, others repeat
    the text that they could not read.
    """
    kind = type(error).__name__
    shown = isinstance(error, OSError) or type(error).__module__.partition(".")[0] in _OURS
    return f"{kind}: {error}" if shown else kind


def _plain(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A stranger's text on our terminal: no line ends, no escape sequences."""
    for key, value in event.items():
        if isinstance(value, str) and key != "exception" and not value.isprintable():
            event[key] = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in value)
    return event


_JSON = (structlog.processors.JSONRenderer(serializer=_to_json),)
_PRETTY = (
    _plain,
    structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
)


class _Forward(logging.Handler):
    """A library's record as one of our lines; a traceback becomes its last line."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        structlog.get_logger().log(
            record.levelno,
            "library.said",
            logger=record.name,
            # What follows the first line of asyncio's are the reprs of tasks and of their errors.
            said=record.getMessage().partition("\n")[0],
            **({"error": told(error)} if error else {}),
        )
