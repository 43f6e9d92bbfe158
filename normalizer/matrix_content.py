"""Pure: what one event of Matrix says, as text and as files that are still to be fetched."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from normalizer.message import Part
from normalizer.tables import number, table, text_of

Table = dict[str, Any]

LOCKED = "🔒 [an encrypted message, which cannot be read here]"
_FILES = {
    "m.image": ("image", "image/jpeg"),
    "m.video": ("video", "video/mp4"),
    "m.audio": ("audio", "audio/ogg"),
    "m.file": ("file", "application/octet-stream"),
}
_QUOTED = re.compile(r"\s*<mx-reply>.*?</mx-reply>", re.DOTALL)


class Content(NamedTuple):
    """The words, the files, and what they are about; `notice` is a bot's, which is not answered."""

    text: str = ""
    html: str = ""
    parts: tuple[Part, ...] = ()
    about: str = ""
    edits: str = ""
    aside: bool = False
    notice: bool = False
    defects: tuple[str, ...] = ()


def content_of(event: Table) -> Content:
    """What somebody wrote, sent or did; of a kind that nobody knows yet, its words or its name."""
    kind, content = text_of(event.get("type")), table(event.get("content"))
    relation = table(content.get("m.relates_to"))
    match kind:
        case "m.room.message":
            return _said(content, relation)
        case "m.room.encrypted":
            return Content(LOCKED, aside=True, defects=("encrypted",))
        case "m.reaction":
            return Content(
                text_of(relation.get("key"))[:100], about=_id(relation.get("event_id")), aside=True
            )
        case "m.sticker":
            return Content(text_of(content.get("body")) or "[sticker]", aside=True)
        case "m.room.redaction":
            taken = event.get("redacts") or content.get("redacts")
            return Content(edits=_id(taken), aside=True, defects=("the customer took it back",))
    return Content(text_of(content.get("body")) or f"[{kind[:100]}]", aside=True)


def _said(content: Table, relation: Table) -> Content:
    """A message, or its new wording, which an edit carries whole."""
    new = table(content.get("m.new_content"))
    edits = _id(relation.get("event_id")) if relation.get("rel_type") == "m.replace" else ""
    said = new if edits and new else content
    kind = text_of(said.get("msgtype"))
    if not kind:
        return Content(edits=edits, aside=True, defects=("the customer took it back",))
    about = _id(table(relation.get("m.in_reply_to")).get("event_id"))
    body = _own_words(text_of(said.get("body")), is_reply=bool(about))
    if kind in _FILES:
        found = _file(kind, said)
    elif kind == "m.emote":
        found = Content(f"* {body}")
    elif kind == "m.location":
        found = Content(f"📍 {body} {text_of(said.get('geo_uri'))}".strip())
    else:
        found = Content(body or f"[{kind[:100]}]", html=_html(said))
    return found._replace(about=about, edits=edits, notice=kind == "m.notice")


def _own_words(body: str, *, is_reply: bool) -> str:
    """Older programs begin a reply with what it answers, as quoted lines and an empty one."""
    lines = body.split("\n")
    quoted = next((n for n, line in enumerate(lines) if not line.startswith(">")), len(lines))
    if not is_reply or not quoted or "".join(lines[quoted : quoted + 1]):
        return body
    return "\n".join(lines[quoted + 1 :])


def _html(said: Table) -> str:
    is_html = said.get("format") == "org.matrix.custom.html"
    return _QUOTED.sub("", text_of(said.get("formatted_body"))) if is_html else ""


def _file(kind: str, said: Table) -> Content:
    """Where a file has a name beside its words, the words are its caption."""
    name, content_type = _FILES[kind]
    info, body, given = table(said.get("info")), text_of(said.get("body")), said.get("filename")
    caption = body if text_of(given) and given != body else ""
    source = text_of(said.get("url")) or text_of(table(said.get("file")).get("url"))
    part = Part(
        role="attachment",
        content_type=text_of(info.get("mimetype")) or content_type,
        size=max(0, number(info.get("size"))),
        sha256="",
        data=b"",
        filename=text_of(given) or body or name,
        source=source if source.startswith("mxc://") and "file" not in said else "",
    )
    defects = ("encrypted",) if "file" in said else () if part.source else ("no-file",)
    return Content(caption, parts=(part,), defects=defects)


def _id(value: Any) -> str:
    id_ = text_of(value)
    return id_ if id_.startswith("$") and id_.isprintable() and len(id_) <= 255 else ""
