"""The shapes of what stands beside conversations: saved replies, and what surveys came to."""

from __future__ import annotations

from store.shapes import Shape


class SavedReply(Shape, frozen=True, kw_only=True):
    """A saved reply in one language, with its placeholders as they are written."""

    name: str
    language: str
    title: str
    text: str


class SavedReplies(Shape, frozen=True, kw_only=True):
    """Every saved reply, by name and language."""

    items: list[SavedReply]


class SavedPreview(Shape, frozen=True, kw_only=True):
    """A saved reply as the customer would read it now."""

    name: str
    language: str
    text: str


class SurveyCount(Shape, frozen=True, kw_only=True):
    """How often one scale (`csat`, `ces`, `nps`) was asked and answered; `scores` are counts."""

    scale: str
    asked: int
    answered: int
    scores: dict[str, int]
    average: float | None


class Surveys(Shape, frozen=True, kw_only=True):
    """Every scale that was asked."""

    items: list[SurveyCount]
