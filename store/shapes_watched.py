"""The shapes of what would have been said where we only watch."""

from __future__ import annotations

from store.shapes import CaseView, ConversationView, Cursor, Instant, Shape


class Watched(Shape, frozen=True, kw_only=True):
    """Words that nobody was sent: to whom they would have gone, and why; `message_id` is the
    message that they would have answered.
    """

    id: int
    at: Instant
    kind: str
    rule: str
    reason: str
    channel: str
    to: str
    language: str
    subject: str
    text: str
    buttons: list[str]
    conversation_id: int | None
    case_id: int | None
    reference: str
    message_id: int


class WatchedPage(Shape, frozen=True, kw_only=True):
    """A page of what would have been said."""

    items: list[Watched]
    next: Cursor


class WholeConversation(ConversationView, frozen=True, kw_only=True):
    """A conversation, and the newest 100 of what we would have said in it: no messages, nobody was
    sent them, and nobody will be.
    """

    would_have_said: list[Watched]


class WholeCase(CaseView, frozen=True, kw_only=True):
    """A case, and the newest 100 of what we would have said in it: no messages, nobody was sent
    them, and nobody will be.
    """

    would_have_said: list[Watched]
