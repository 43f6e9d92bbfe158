"""Pure: what one message of Telegram holds, as text and as files that are still to be fetched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from normalizer.message import Part
from normalizer.tables import decimal, items, number, table, text_of

FILE_MOST = 20_000_000  # octets of a file that a bot is given (Bot API, getFile)

# How each kind of file is called and typed where Telegram says neither.
_FILES = {
    "document": ("document", "application/octet-stream"),
    "video": ("video.mp4", "video/mp4"),
    "animation": ("animation.mp4", "video/mp4"),
    "audio": ("audio.mp3", "audio/mpeg"),
    "voice": ("voice.ogg", "audio/ogg"),
    "video_note": ("video.mp4", "video/mp4"),
}
# What stands in every message and is no content.
_FRAME = frozenset({
    "message_id", "from", "chat", "date", "edit_date", "reply_to_message", "quote", "media_group_id",
    "forward_origin", "via_bot", "sender_chat", "sender_business_bot", "author_signature",
    "link_preview_options", "has_protected_content", "is_from_offline", "has_media_spoiler",
    "show_caption_above_media", "effect_id", "reply_markup", "message_thread_id", "external_reply",
    "is_topic_message", "is_automatic_forward", "entities", "caption_entities", "forward_from",
    "forward_date", "forward_sender_name", "forward_from_chat", "forward_from_message_id",
    "paid_star_count", "sender_boost_count", "direct_messages_topic", "is_paid_post",
    "suggested_post_info", "reply_to_story", "reply_to_checklist_task_id", "sender_tag",
})  # fmt: skip
# What Telegram tells of a chat and nobody wrote (Bot API, "service messages").
_SERVICE = frozenset({
    "message_auto_delete_timer_changed", "write_access_allowed", "connected_website",
    "chat_background_set", "pinned_message", "proximity_alert_triggered", "boost_added",
    "forum_topic_created", "forum_topic_edited", "forum_topic_closed", "forum_topic_reopened",
    "paid_message_price_changed", "direct_message_price_changed", "checklist_tasks_done",
    "checklist_tasks_added", "gift", "unique_gift", "gift_upgrade_sent", "giveaway_created",
    "video_chat_scheduled", "video_chat_started", "video_chat_ended",
})  # fmt: skip


class Content(NamedTuple):
    """The words, the files, whether it is no matter of its own, and what `/start` came with."""

    text: str = ""
    parts: tuple[Part, ...] = ()
    aside: bool = False
    payload: str = ""
    defects: tuple[str, ...] = ()


def content_of(found: dict[str, Any]) -> Content:
    """What somebody wrote or sent; of a kind that nobody knows yet, its name."""
    if text := text_of(found.get("text")):
        return _command(text) or Content(_with_links(text, found.get("entities")))
    if sticker := table(found.get("sticker")):
        return Content(text_of(sticker.get("emoji")) or "[sticker]", aside=True)
    for kind, shown in _SHOWN.items():
        if value := table(found.get(kind)):
            return Content(shown(value))
    caption = _with_links(text_of(found.get("caption")), found.get("caption_entities"))
    if parts := _parts(found):
        too_large = not all(part.source for part in parts)
        return Content(caption, parts, defects=("file-too-large",) if too_large else ())
    unknown = sorted(key for key in found if key not in _FRAME)
    named = f"[{', '.join(unknown)[:200] or 'empty'}]"
    return Content(caption or named, aside=not (caption or _SERVICE.isdisjoint(unknown)))


def _command(text: str) -> Content | None:
    """`/start`: somebody has opened the chat; with a payload, by a link that we gave."""
    command, _, payload = text.partition(" ")
    if command != "/start":
        return None
    return Content(text, aside=not payload.strip(), payload=payload.strip())


def _with_links(text: str, entities: Any) -> str:
    """The text with the addresses behind its words; offsets count UTF-16 code units."""
    wide = text.encode("utf-16-le", "surrogatepass")
    for entity in sorted(map(table, items(entities)), key=_end, reverse=True):
        url, end = text_of(entity.get("url")), 2 * _end(entity)
        if url and 0 < end <= len(wide):
            said = wide[2 * max(0, number(entity.get("offset"))) : end]
            if said != url.encode("utf-16-le", "surrogatepass"):
                wide = wide[:end] + f" ({url})".encode("utf-16-le", "surrogatepass") + wide[end:]
    return wide.decode("utf-16-le", "replace")


def _end(entity: dict[str, Any]) -> int:
    return number(entity.get("offset")) + number(entity.get("length"))


def _parts(found: dict[str, Any]) -> tuple[Part, ...]:
    """A picture comes in several sizes, of which the largest counts."""
    sizes = [one for one in map(table, items(found.get("photo"))) if text_of(one.get("file_id"))]
    if sizes:
        largest = max(sizes, key=lambda one: (number(one.get("width")), number(one.get("height"))))
        return (_part(largest, "photo.jpg", "image/jpeg"),)
    for kind, (name, content_type) in _FILES.items():
        file = table(found.get(kind))
        if text_of(file.get("file_id")):
            return (_part(file, name, content_type),)
    return ()


def _part(file: dict[str, Any], name: str, content_type: str) -> Part:
    """One that is too large for bots stays without a source: its name and size are what we have."""
    size = max(0, number(file.get("file_size")))
    return Part(
        role="attachment",
        content_type=text_of(file.get("mime_type")) or content_type,
        size=size,
        sha256="",
        data=b"",
        filename=text_of(file.get("file_name")) or name,
        source=text_of(file.get("file_id")) if size <= FILE_MOST else "",
    )


def _location(value: dict[str, Any]) -> str:
    """As a geo URI (RFC 5870), which map programs open."""
    latitude, longitude = decimal(value.get("latitude")), decimal(value.get("longitude"))
    return f"📍 geo:{latitude:.6f},{longitude:.6f}"


def _venue(value: dict[str, Any]) -> str:
    lines = (text_of(value.get("title")), text_of(value.get("address")))
    return "\n".join((*filter(None, lines), _location(table(value.get("location")))))


def _contact(value: dict[str, Any]) -> str:
    said = (text_of(value.get(key)) for key in ("first_name", "last_name", "phone_number"))
    return " ".join(("👤", *filter(None, said)))


def _poll(value: dict[str, Any]) -> str:
    options = (text_of(table(one).get("text")) for one in items(value.get("options")))
    return "\n".join((f"📊 {text_of(value.get('question'))}", *(f"- {one}" for one in options)))


def _checklist(value: dict[str, Any]) -> str:
    tasks = (text_of(table(one).get("text")) for one in items(value.get("tasks")))
    return "\n".join((f"☑ {text_of(value.get('title'))}", *(f"- {one}" for one in tasks)))


def _from_a_page(value: dict[str, Any]) -> str:
    """What a page of the bot's own sent for whoever filled it in (a Web App)."""
    return text_of(value.get("data"))


def _dice(value: dict[str, Any]) -> str:
    return f"{text_of(value.get('emoji')) or '🎲'} {number(value.get('value'))}"


# A venue has a location beside it, so it is looked for first.
_SHOWN: dict[str, Callable[[dict[str, Any]], str]] = {
    "venue": _venue, "location": _location, "contact": _contact, "poll": _poll, "dice": _dice,
    "checklist": _checklist, "web_app_data": _from_a_page,
}  # fmt: skip
