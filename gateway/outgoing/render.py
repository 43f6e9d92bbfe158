"""Pure: a message as the deliveries that a channel can carry; the one place where text is degraded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from html import escape
from typing import Final

from channels.cut import cut, gathered
from channels.limits import Limits
from gateway.outgoing.chosen import numbered
from normalizer.email.html import to_text
from normalizer.message import Button, Message, Part

_LEFT_OUT: Final[Mapping[str, str]] = {
    "en": "The file “{name}” cannot be sent here.",
    "ja": "添付ファイル「{name}」は、こちらではお送りできません。",
}


def render(message: Message, limits: Limits) -> tuple[Message, ...]:
    """What is delivered for a message, in order: each within the limits, nothing left out silently.

    Buttons stand below the last text. What can be neither said nor shown stays as it is, and the
    channel refuses it.
    """
    files = [part for part in message.parts if part.role in {"attachment", "inline"}]
    if not (limits.text or limits.apart or files or message.buttons or message.html):
        return (message,)
    along = tuple(one for one in files if limits.carries(one.content_type, one.size))
    buttons = _shown(message.buttons, limits)
    lines = (*_missing(message, files, along), *(() if buttons else _listed(message.buttons)))
    words = "\n\n".join(filter(None, (_words(message, limits).rstrip(), *lines)))
    texts = gathered(words, limits.text, limits.unit, limits.texts)
    html = message.html and limits.html and message.html + "".join(map(_paragraph, lines))
    whole = replace(message, html=html or "", buttons=(), parts=())
    said = [replace(whole, text=text) for text in texts or ([""] if along else [words])]
    said[-1] = replace(said[-1], buttons=buttons)
    if limits.apart:
        said = [one for one in said if one.text or not along]
        said += [replace(whole, text="", html="", parts=(file,)) for file in along]
    else:
        said[-1] = replace(said[-1], parts=along)
    about = message.in_reply_to if limits.threads else ""
    return (said[0], *(replace(one, in_reply_to=about) for one in said[1:]))


def _words(message: Message, limits: Limits) -> str:
    """The text; that of the HTML where there is no other and HTML cannot be shown."""
    return message.text if message.text.strip() or limits.html else to_text(message.html)


def _shown(buttons: tuple[Button, ...], limits: Limits) -> tuple[Button, ...]:
    """All of the buttons as the channel shows them, or none: half a choice is no choice."""
    able = len(buttons) <= limits.buttons and (limits.links or not any(b.url for b in buttons))
    return tuple(_labelled(one, limits.label) for one in buttons) if able else ()


def _labelled(button: Button, most: int) -> Button:
    if len(button.label) <= most:
        return button
    return button._replace(label=f"{cut(button.label, most - 1)[0]}…")


def _listed(buttons: tuple[Button, ...]) -> Iterator[str]:
    """Buttons as lines: what is to be chosen by its number, what is to be opened by its address."""
    if choices := numbered(buttons):
        yield "\n".join(f"{number}. {one.label}" for number, one in enumerate(choices, 1))
    if links := [one for one in buttons if one.url]:
        yield "\n".join(f"{one.label}: {one.url}" for one in links)


def _paragraph(lines: str) -> str:
    return f"<p>{escape(lines).replace(chr(10), '<br>')}</p>"


def _missing(message: Message, files: list[Part], along: tuple[Part, ...]) -> Iterator[str]:
    said = _LEFT_OUT["ja" if message.language.partition("-")[0] == "ja" else "en"]
    for one in files:
        if one not in along:
            yield said.format(name=one.filename or one.content_type)
