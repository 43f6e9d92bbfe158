"""The list `[[ask]]`: what is asked in a new case before a person reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from gateway.config.errors import Finding, any_of
from gateway.config.types import Language, Table, listed
from gateway.intake.cost import too_dear
from gateway.intake.question import BARE_ORDER_NUMBER, ORDER_NUMBER, WORDS, Question, compiled
from gateway.intake.question import any_of as any_value
from gateway.team.route import folded

_NUMBER: Final = "order_number"

Tables = Mapping[int, Mapping[str, Any]]


def _attribute(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
        raise ValueError(f'"{name}" must be a word in small letters, such as "order_number"')
    return name


def _pattern(value: str) -> str:
    try:
        found = compiled(value)
    except re.error as error:
        raise ValueError(f"is no pattern: {error}") from None
    if why := too_dear(value):
        raise ValueError(why)
    if found.search(""):
        raise ValueError("also fits where nothing stands; write what an answer must hold")
    return value


Some = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(listed)]


class Ask(Table):
    """One thing to know of a new case; see docs/intake.md."""

    name: Annotated[str, AfterValidator(_attribute)] = Field(
        description="How the case calls the answer: one of its `attributes`.",
        examples=['name = "order_number"'],
    )
    tag: Some = Field(
        (), description="Only in cases that a route gave this tag, or one of several."
    )
    channel: Some = Field((), description="Only on this channel, or one of several.")
    question: dict[Language, str] = Field(
        {},
        description='What is asked, by language: `{ en = "…", ja = "…" }`. `order_number` and '
        "`product` have words of their own.",
    )
    pattern: Annotated[str, AfterValidator(_pattern)] | None = Field(
        None,
        description="How an answer looks, as a regular expression; its first group, if it has one, "
        "is the answer. `order_number` has one of its own.",
    )
    values: tuple[Annotated[str, Field(min_length=1, max_length=100)], ...] = Field(
        (), description="Or all answers that there are; up to eight are buttons on a messenger."
    )

    @model_validator(mode="after")
    def _can_be_answered(self) -> Ask:
        if self.pattern and self.values:
            raise ValueError("has pattern and values; keep the one that says how an answer looks")
        if not (self.pattern or self.values or self.name == _NUMBER):
            raise ValueError('needs values = ["…"], or a pattern: how an answer is recognised')
        return self

    def asks(self) -> Question:
        """As cases meet it."""
        own = not self.pattern and not self.values
        pattern = any_value(self.values) if self.values else compiled(self.pattern or ORDER_NUMBER)
        words = {tag.lower(): said for tag, said in self.question.items()}
        return Question(
            name=self.name,
            words={**WORDS.get(self.name, {}), **words},
            pattern=pattern,
            bare=compiled(BARE_ORDER_NUMBER) if own else None,
            tags=frozenset(self.tag),
            channels=frozenset(self.channel),
            values=self.values,
        )


def check(asks: Tables, data: Mapping[str, Any], routes: Tables, channels: Tables) -> Iterator[Finding]:  # fmt: skip
    """Questions that could never be asked, or not in a language that is spoken here."""
    yield from _unasked(asks, routes)
    tags = {str(tag) for table in routes.values() for tag in listed(table.get("tags")) or ()}
    names = [str(table.get("name")) for table in channels.values()]
    for index, table in asks.items():
        for tag in _values(table, "tag"):
            if tag not in tags:
                said = f'no [[route]] gives the tag "{tag}", so it is never asked'
                known = f"; possible: {any_of(sorted(tags))}" if tags else ""
                yield Finding(("ask", index, "tag"), said + known)
        for name in _values(table, "channel"):
            if name not in names:
                possible = f"possible: {any_of(names)}" if names else "there is none"
                yield Finding(
                    ("ask", index, "channel"), f'there is no channel "{name}"; {possible}'
                )
        yield from _languages(index, table, data, channels)


def _unasked(asks: Tables, routes: Tables) -> Iterator[Finding]:
    """Attributes that routes wait for, and nothing finds."""
    known = [str(table.get("name")) for table in asks.values()]
    for index, table in routes.items():
        for attribute in _values(table, "attribute"):
            if attribute.partition("=")[0] not in known:
                possible = f"possible: {any_of(known)}" if known else "there is none"
                said = f'no [[ask]] finds "{attribute}", so the rule can never hold; {possible}'
                yield Finding(("route", index, "attribute"), said)
            elif said := _other_value(asks, attribute):
                yield Finding(("route", index, "attribute"), said)


def _other_value(asks: Tables, attribute: str) -> str:
    """Why a route waits in vain for this value of an attribute; "" where it may come."""
    name, _, value = attribute.partition("=")
    table = next(table for table in asks.values() if table.get("name") == name)
    values = _values(table, "values")
    if not (value and values) or folded(value) in map(folded, values):
        return ""
    return (
        f'"{value}" is none of its values, so the rule can never hold; possible: {any_of(values)}'
    )


def _languages(
    index: int, table: Mapping[str, Any], data: Mapping[str, Any], channels: Tables
) -> Iterator[Finding]:
    gateway, own = data.get("gateway"), table.get("question")
    usual = gateway.get("language", "en") if isinstance(gateway, dict) else "en"
    spoken = {usual, *(t["language"] for t in channels.values() if t.get("language"))}
    there = {*WORDS.get(str(table.get("name")), {}), *(own if isinstance(own, dict) else ())}
    for language in sorted(map(str, spoken)):
        if not {language.lower(), language.lower().partition("-")[0]} & set(map(str.lower, there)):
            said = f'has no words in {language}, which is spoken here; add {language} = "…"'
            yield Finding(("ask", index, "question"), said)


def _values(table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = listed(table.get(key, ()))
    return tuple(map(str, value)) if isinstance(value, tuple) else ()
