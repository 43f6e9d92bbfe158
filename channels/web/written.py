"""Pure: what a visitor posted, as the message that is kept."""

from __future__ import annotations

import re

from channels.web.body import Body, Refused, Upload, kind_of
from normalizer.web import File, Written

_ID = re.compile(r"[\w-]{8,64}", re.ASCII)
_LONGEST = 2000  # characters of an address, a name, a subject
_NAME = 200  # … of a file's name


def named(id_: str) -> str:
    """An id that a browser gave; "" for what is none."""
    return id_ if _ID.fullmatch(id_) else ""


def of_chat(body: Body, visitor: str) -> Written:
    """One message of the chat, under the id that the browser gave it. Raises Refused."""
    id_ = named(body.take("id"))
    if not id_:
        raise Refused(400, "form")
    written = Written(
        visitor=visitor,
        id=id_,
        text=body.take("text").strip(),
        page=_line(body.take("page")),
        language=_tongue(body.take("language")),
        pressed=_line(body.take("pressed")),
        answers=_line(body.take("answers")),
        files=_files(body.files),
    )
    return _saying_something(written)


def of_form(body: Body, visitor: str, id_: str, page: str) -> Written:
    """A form; what we know nothing about stays beside the text. Raises Refused."""
    written = Written(
        visitor=visitor,
        id=id_,
        text=body.take("message", "text", "body").strip(),
        subject=_line(body.take("subject")),
        name=_line(body.take("name")),
        email=_line(body.take("email", "mail")),
        page=_line(body.take("_page", "page") or page),
        language=_tongue(body.take("_language", "language")),
        files=_files(body.files),
        fields=tuple(
            (name, value.strip())
            for name, value in body.fields.items()
            if value.strip() and not name.startswith("_")
        ),
    )
    return _saying_something(written)


def _saying_something(written: Written) -> Written:
    if not (written.text or written.files or written.fields):
        raise Refused(400, "empty")
    return written


def _line(text: str) -> str:
    return " ".join(text[:_LONGEST].split())


def _tongue(said: str) -> str:
    """The language of the page: a guess where the words tell none."""
    code = said.strip()[:2].lower()
    return code if code.isascii() and code.isalpha() else ""


def _files(files: tuple[Upload, ...]) -> tuple[File, ...]:
    """What a file is, its own octets tell; what its sender calls it may be anything."""
    return tuple(File(_line(file.filename)[:_NAME], _kind(file), file.data) for file in files)


def _kind(file: Upload) -> str:
    if found := kind_of(file.data):
        return found
    raise Refused(415, "kind")
