"""One line for each event, whatever is in it; no word of a mail out of an exception."""

from __future__ import annotations

import errno
import io
import json
import logging
from typing import Any

import pytest
import structlog
from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError

from channels.base import Rejected
from gateway import log

CANARY = "Yuki's secret words"


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


pytestmark = pytest.mark.usefixtures("own_log")


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


HOSTILE = "a\r\nb\x1b[31mc\u2028d\u0085e\x00f\udc80\u202e"


def test_a_hostile_text_is_one_json_line_g02() -> None:
    stream = io.StringIO()
    log.configure("json", stream)
    structlog.get_logger().info("message.accepted", subject=HOSTILE, helo=HOSTILE)
    structlog.get_logger().info("next")
    first, second = lines(stream)
    assert first["subject"] == HOSTILE
    assert (first["event"], second["event"]) == ("message.accepted", "next")
    assert stream.getvalue().isascii()


def test_a_hostile_text_is_one_line_without_escapes_on_a_terminal_g02() -> None:
    stream = Screen()
    log.configure("auto", stream)
    for value in (HOSTILE, "\x1b[2J", "x\u009b31m"):
        structlog.get_logger().info("message.accepted", subject=value)
    shown = stream.getvalue()
    assert len(shown.splitlines()) == 3
    assert "\x1b[31mc" not in shown
    assert "\x1b[2J" not in shown
    assert "\u009b" not in shown


def test_auto_is_json_where_nobody_looks() -> None:
    stream = io.StringIO()
    log.configure("auto", stream)
    structlog.get_logger().info("x")
    assert lines(stream)[0]["level"] == "info"


def test_a_log_that_cannot_be_written_keeps_nobody_from_working() -> None:
    """A full disk, or the end of a pipe; what follows is written again."""

    class Full(io.StringIO):
        room = False

        def write(self, line: str) -> int:
            if not self.room:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(line)

        def flush(self) -> None:
            self.write("")

    stream = Full()
    log.configure("json", stream)
    structlog.get_logger().info("x")
    logging.getLogger("library").warning("y")
    stream.room = True
    structlog.get_logger().info("z")
    assert [line["event"] for line in lines(stream)] == ["z"]


def test_quiet_shows_warnings_only() -> None:
    stream = io.StringIO()
    log.configure("json", stream, quiet=True)
    structlog.get_logger().info("x")
    structlog.get_logger().warning("y")
    assert [line["event"] for line in lines(stream)] == ["y"]


def caught(work: Any) -> BaseException:
    with pytest.raises((ValueError, LookupError, SQLAlchemyError)) as error:
        work()
    return error.value


def fall(cause: BaseException) -> None:
    raise RuntimeError(CANARY) from cause


def database_error() -> None:
    with create_engine("sqlite://").begin() as connection:
        connection.execute(text("INSERT INTO nowhere VALUES (:body)"), {"body": CANARY})


ERRORS = {
    "a database's": database_error,
    "a reader's": lambda: int(CANARY),
    "a lookup's": lambda: dict[str, int]()[CANARY],
}


@pytest.mark.parametrize("work", ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize("form", ["json", "pretty"])
def test_a_library_s_words_are_not_shown_g01(work: Any, form: Any) -> None:
    stream = io.StringIO()
    log.configure(form, stream)
    error = caught(work)
    structlog.get_logger().error("smtp.accept_failed", exc_info=error)
    try:
        fall(error)
    except RuntimeError:
        structlog.get_logger().exception("part.fell")
        logging.getLogger("asyncio").exception("never retrieved\nfuture: %r", error)
    shown = stream.getvalue()
    assert CANARY not in shown
    assert type(error).__name__ in shown
    assert "test_log.py" in shown


def test_our_own_words_and_the_system_s_are_shown() -> None:
    stream = io.StringIO()
    log.configure("json", stream)
    for error in (Rejected("no such user"), FileNotFoundError(2, "No such file", "/x")):
        structlog.get_logger().error("x", exc_info=error)
    first, second = lines(stream)
    assert first["exception"] == "Rejected: no such user"
    assert "/x" in second["exception"]


def test_libraries_speak_in_our_form_from_warning_on() -> None:
    stream = io.StringIO()
    log.configure("json", stream)
    logging.getLogger("library").info("quiet")
    logging.getLogger("library").warning("loud\nand long")
    (line,) = lines(stream)
    assert (line["event"], line["logger"], line["said"]) == ("library.said", "library", "loud")
