"""An update of Telegram's Bot API as a Message: pure, and total over every JSON value."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any, NamedTuple

from normalizer.email.threading import mentions
from normalizer.language import detect
from normalizer.message import (
    Automatic,
    Claim,
    Envelope,
    Identity,
    Message,
    Report,
    Span,
)
from normalizer.tables import items, number, table, text_of
from normalizer.telegram_content import Content, content_of

_ROBOT = Automatic(
    is_auto=True, kind="auto-generated", suppress_reply=True, reasons=("the sender is a bot",)
)
_DIGITS = re.compile(r"[1-9][0-9]{6,14}")
_MESSAGES = ("message", "edited_message")
_OURS_AGAIN = frozenset({"member", "administrator", "creator"})


class _Post(NamedTuple):
    """The sender, the chat and the number of what an update is about, and when it was said."""

    sender: dict[str, Any]
    chat: int
    number: int
    date: datetime | None


def read(envelope: Envelope) -> tuple[Message, ...]:
    """One update is one message; what is no update is quarantined with the reason."""
    assert isinstance(envelope.raw, bytes)
    try:
        update = table(json.loads(envelope.raw))
    except (ValueError, RecursionError) as error:
        return (_unreadable(envelope, f"no JSON: {type(error).__name__}"),)
    for kind in _MESSAGES:
        if found := table(update.get(kind)):
            return (_message(envelope, found, is_edit=kind == "edited_message"),)
    if found := table(update.get("callback_query")):
        return (_press(envelope, found),)
    if found := table(update.get("message_reaction")):
        return (_reaction(envelope, found),)
    if found := table(update.get("my_chat_member")):
        return (_membership(envelope, found),)
    return (_unreadable(envelope, "an update of a kind that is unknown here"),)


def _unreadable(envelope: Envelope, why: str) -> Message:
    return Message(unreadable=why, fingerprint=_print(envelope, envelope.unit))


def _message(envelope: Envelope, found: dict[str, Any], *, is_edit: bool) -> Message:
    post = _post(found)
    if not (post.chat and post.number and post.sender):
        return _unreadable(envelope, "a message without a sender or a number")
    content = content_of(found)
    text = _labelled(found, content)
    name = _name(post.chat, post.number)
    album = text_of(found.get("media_group_id"))
    group = f"telegram:{post.chat}:album:{album}" if album and not is_edit else ""
    edited = number(found.get("edit_date"))
    return Message(
        message_id=group or (f"{name}:{edited}" if is_edit else name),
        in_reply_to=_answered(found, post.chat),
        claims=_claims(post.sender),
        verified=_number(found, post.sender),
        date=post.date,
        text=text,
        reply_text=text,
        spans=(Span(0, len(text), "forwarded"),) if text and _origin(found) else (),
        language=_language(content.text, post.sender),
        parts=content.parts,
        automatic=_ROBOT if post.sender.get("is_bot") is True else Automatic(),
        mentions=(*mentions(text), *((content.payload,) if content.payload else ())),
        edits=name if is_edit else "",
        group=group,
        aside=content.aside,
        defects=content.defects,
        fingerprint=_print(envelope, f"{name}:{edited}"),
    )


def _press(envelope: Envelope, found: dict[str, Any]) -> Message:
    """A button of ours, with the words that the customer saw on it."""
    sender, ours = table(found.get("from")), table(found.get("message"))
    pressed = text_of(found.get("data"))
    if not (pressed and number(sender.get("id"))):
        return _unreadable(envelope, "a button without data or without anybody who pressed it")
    text = _label(ours, pressed)
    return Message(
        in_reply_to=_name(
            number(table(ours.get("chat")).get("id")), number(ours.get("message_id"))
        ),
        claims=_claims(sender),
        text=text,
        reply_text=text,
        language=_language(text, sender),
        pressed=pressed,
        fingerprint=_print(envelope, envelope.unit),
    )


def _label(ours: dict[str, Any], pressed: str) -> str:
    """What stood on the button; its data where Telegram does not show the message any more."""
    rows = items(table(ours.get("reply_markup")).get("inline_keyboard"))
    buttons = (table(one) for row in rows for one in items(row))
    labels = (text_of(one.get("text")) for one in buttons if one.get("callback_data") == pressed)
    return next(labels, "") or pressed


def _reaction(envelope: Envelope, found: dict[str, Any]) -> Message:
    sender, chat = table(found.get("user")), number(table(found.get("chat")).get("id"))
    emoji = [text_of(table(one).get("emoji")) for one in items(found.get("new_reaction"))]
    text = " ".join(one or "⭐" for one in emoji)
    return Message(
        in_reply_to=_name(chat, number(found.get("message_id"))),
        claims=_claims(sender),
        date=_date(found.get("date")),
        text=text,
        reply_text=text,
        aside=True,
        fingerprint=_print(envelope, envelope.unit),
    )


def _membership(envelope: Envelope, found: dict[str, Any]) -> Message:
    """A customer has blocked the bot, or lets it write again."""
    status = text_of(table(found.get("new_chat_member")).get("status"))
    is_back = status in _OURS_AGAIN
    why = "" if is_back else "the customer has blocked the bot"
    state = "delivered" if is_back else "failed"
    return Message(
        claims=_claims(table(found.get("from"))),
        date=_date(found.get("date")),
        text="✅" if is_back else "🚫",
        reply_text="✅" if is_back else "🚫",
        aside=True,
        report=Report("", state, why, address_dead=not is_back),  # type: ignore[arg-type]  # one of its states
        fingerprint=_print(envelope, envelope.unit),
    )


def _post(found: dict[str, Any]) -> _Post:
    return _Post(
        table(found.get("from")),
        number(table(found.get("chat")).get("id")),
        number(found.get("message_id")),
        _date(found.get("date")),
    )


def _claims(sender: dict[str, Any]) -> tuple[Claim, ...]:
    id_ = number(sender.get("id"))
    if not id_:
        return ()
    names = [text_of(sender.get(part)).strip() for part in ("first_name", "last_name")]
    shown = " ".join(filter(None, names)) or text_of(sender.get("username"))
    return (Claim("platform", Identity("telegram", str(id_)), shown),)


def _number(found: dict[str, Any], sender: dict[str, Any]) -> tuple[Identity, ...]:
    """The sender's own number: Telegram names the account that a shared number belongs to."""
    contact = table(found.get("contact"))
    digits = re.sub(r"[ +()-]", "", text_of(contact.get("phone_number")))
    is_own = bool(number(sender.get("id"))) and contact.get("user_id") == sender.get("id")
    if not is_own or _origin(found) or not _DIGITS.fullmatch(digits):
        return ()
    return (Identity("tel", f"+{digits}"),)


def _labelled(found: dict[str, Any], content: Content) -> str:
    """A forwarded message begins with whose it was."""
    origin = _origin(found)
    if not origin:
        return content.text
    user, chat = table(origin.get("sender_user")), table(origin.get("chat"))
    chat = chat or table(origin.get("sender_chat"))
    named = [claim.name for claim in _claims(user)]
    whose = next(iter(named), "") or text_of(origin.get("sender_user_name"))
    return f"↪ {whose or text_of(chat.get('title')) or '?'}\n{content.text}".rstrip()


def _origin(found: dict[str, Any]) -> dict[str, Any]:
    return table(found.get("forward_origin"))


def _answered(found: dict[str, Any], chat: int) -> str:
    return _name(chat, number(table(found.get("reply_to_message")).get("message_id")))


def _name(chat: int, id_: int) -> str:
    return f"telegram:{chat}:{id_}" if chat and id_ else ""


def _language(text: str, sender: dict[str, Any]) -> str:
    """The text's own; of a few words, what the customer's program is set to."""
    hint = text_of(sender.get("language_code"))[:2].lower()
    return detect(text) or (hint if hint.isascii() and hint.isalpha() else "")


def _date(value: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(number(value), UTC) if number(value) else None
    except (ValueError, OverflowError, OSError):
        return None


def _print(envelope: Envelope, name: str) -> str:
    """Numbers of messages are unique for one bot only."""
    return f"{envelope.channel} {name}"
