"""What the customer wrote this time: labels over the whole text, line by line, nothing ever cut."""

from __future__ import annotations

from normalizer.message import Span


def label(text: str, *, forwarded: bool) -> tuple[Span, ...]:
    """Spans that cover the text."""
    return (Span(0, len(text), "new"),) if text else ()


def new_text(text: str, spans: tuple[Span, ...]) -> str:
    """A view of the labels: the new text and the answers between quotations."""
    kept = [text[s.start : s.end] for s in spans if s.label in {"new", "inline-answer"}]
    return "".join(kept).strip()
