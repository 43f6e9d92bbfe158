"""A template filled in, to be read before a customer does: with examples, or the facts of a case."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple

from channels.base import Settings
from gateway import rules
from gateway.config import Config
from gateway.desk.staffing import roster
from gateway.follow_ups import handover, meant
from gateway.intake.question import WORDS as ASKED
from gateway.promises.word import Promise, promise
from gateway.team.route import ACKNOWLEDGEMENT
from gateway.words import NOTICES, AckFacts, FollowUpFacts, Form, NoticeFacts, Text, Words
from store.cases import Standing, referenced
from store.rows import moment
from store.store import look

_REFERENCE = "K4TZ-9QHM"
_SUBJECTS = {"ja": "商品が届きません", "en": "My parcel has not arrived"}
_WAITS = {"ja": "メーカーからの回答", "en": "the manufacturer's answer"}
# What a case may lack, and the placeholder that shows it; and what is made when it is said.
_PLACEHOLDERS: Final = {
    "promised_by": "promised", "answered_at": "answered_on", "closes_at": "closes_on",
    "question": "question", "other": "other", "colleague": "colleague",
    "waiting_for": "waiting_for",
}  # fmt: skip
_MADE_LATER: Final = frozenset({"vote_url", "text", "unsubscribe"})
_FORMS: tuple[Form, ...] = ("long", "short")


class NotPossible(ValueError):
    """It cannot be shown; the message says what would help."""


class Wanted(NamedTuple):
    """What somebody wants to read; what is unset is chosen for them, and said."""

    name: str
    language: str = ""
    form: Form | None = None
    channel: str = ""
    case: str = ""


class Specimen(NamedTuple):
    """A text as it would be read, and what was chosen: its language, form, channels and facts."""

    title: str
    text: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What fills a template; `examples` are the placeholders for which a case has nothing."""

    now: datetime
    promised: Promise
    promised_by: datetime | None
    answered_at: datetime | None
    closes_at: datetime | None
    subject: str
    question: str
    other: str
    colleague: str
    waiting_for: str
    reference: str = _REFERENCE
    customer_name: str = ""
    authenticated: bool = True
    examples: frozenset[str] = frozenset()


def specimens(config: Config, wanted: Wanted, at: datetime) -> Iterator[Specimen]:
    """One text for a channel or a case, else each form in each language and wording.

    Raises NotPossible; StoreUnavailable where a case is named.
    """
    words = rules.words(config)
    names = sorted(frozenset().union(*(one.names for one in words.each)))
    if wanted.name not in names:
        raise NotPossible(f'there is no template "{wanted.name}"; there are {", ".join(names)}')
    if wanted.case:
        yield _of_case(config, words, wanted, at)
    elif wanted.channel:
        yield _on(config, words, wanted, _settings(config, wanted.channel), at)
    else:
        yield from _all(config, words, wanted, at)


def _settings(config: Config, name: str) -> Settings:
    found = next((one for one in config.channels if one.name == name), None)
    if found is None:
        known = ", ".join(one.name for one in config.channels)
        raise NotPossible(f'there is no channel "{name}"; there are {known}')
    return found


def _on(config: Config, words: Words, wanted: Wanted, settings: Settings, at: datetime) -> Specimen:
    language = wanted.language or settings.language or config.gateway.language
    form = wanted.form or settings.form
    known = _example(config, settings, language, at)
    text = _text(config, words.on(settings.name), wanted.name, language, form, known)
    return Specimen(f"{language}, {form} ({settings.name}), with example facts", text)


def _all(config: Config, words: Words, wanted: Wanted, at: datetime) -> Iterator[Specimen]:
    """The common words, and behind them those of channels that say it otherwise."""
    ours = config.gateway.language
    spoken = sorted(words.spoken(wanted.name), key=lambda one: (one != ours, one))
    for language in [wanted.language] if wanted.language else spoken or [ours]:
        for form in [wanted.form] if wanted.form else _FORMS:
            here = [one for one in config.channels if one.form == form]
            known = _example(config, None, language, at)
            usual = _text(config, words, wanted.name, language, form, known)
            names = ", ".join(one.name for one in here if not one.wording) or "no channel so far"
            yield Specimen(f"{language}, {form} ({names}), with example facts", usual)
            asked = wanted._replace(language=language)
            own = (_on(config, words, asked, one, at) for one in here if one.wording)
            yield from (one for one in own if one.text != usual)


def _of_case(config: Config, words: Words, wanted: Wanted, at: datetime) -> Specimen:
    here = look(config.store.dsn, partial(referenced, reference=wanted.case, now=at))
    if here is None:
        raise NotPossible(f'there is no case "{wanted.case}"')
    heard = here.heard
    name = wanted.channel or (heard.channel if heard else here.case.channel)
    named = _settings(config, name) if wanted.channel else None
    settings = named or next((one for one in config.channels if one.name == name), None)
    spoken = (heard and heard.language) or (settings and settings.language)
    language = wanted.language or spoken or config.gateway.language
    form = wanted.form or (settings.form if settings else "long")
    known = _case(config, here, settings, language, at)
    text = _text(config, words.on(name), wanted.name, language, form, known)
    return Specimen(f"{language}, {form} ({name}), with the facts of {here.case.reference}", text)


def _example(config: Config, settings: Settings | None, language: str, at: datetime) -> _Known:
    """Everything that there may be."""
    times = config.calendars_().on(settings.name if settings else "")
    promised = promise(times.calendar, config.acknowledge.reply_within, at)
    tag, asks = language.partition("-")[0].lower(), ASKED["product"]
    ours = roster(config)
    others = (one.title for one in config.channels if settings and one.name != settings.name)
    return _Known(
        now=at.astimezone(times.calendar.zone),
        promised=promised,
        promised_by=promised.by,
        answered_at=at,
        closes_at=promised.by,
        subject=_SUBJECTS.get(tag, _SUBJECTS["en"]),
        question=asks.get(tag, asks["en"]),
        other=next(others, "LINE"),
        colleague=next(filter(None, (ours.shown(one.name, language) for one in ours.people)), ""),
        waiting_for=_WAITS.get(tag, _WAITS["en"]),
    )


def _case(
    config: Config, here: Standing, settings: Settings | None, language: str, at: datetime
) -> _Known:
    """What is so in a case, and examples of what is not."""
    promising, heard, case = rules.promises(config), here.heard, here.case
    promised, said = promising(case, at), handover.promised(here, at)
    asking = (one.asks() for one in config.ask if one.name in json.loads(case.asking))
    asked = next(asking, None)
    known = _Known(
        now=at.astimezone(promising.calendars.of(case).calendar.zone),
        promised=promised._replace(by=said) if said else promised,
        reference=case.reference,
        promised_by=said or (promised.by if case.unanswered_since else None),
        answered_at=moment(here.answered_at) if here.answered_at else None,
        closes_at=meant.closes(config.rules(), here, language),
        subject=heard.subject if heard else case.subject,
        customer_name=heard.name if heard else "",
        authenticated=bool(heard and json.loads(heard.author).get("authenticated")),
        question=asked.asks(language, config.gateway.language) if asked else "",
        other="",
        colleague=roster(config).shown(case.owner, language),
        waiting_for=case.waiting_for,
    )
    usual = _example(config, settings, language, at)
    missing = [name for name in _PLACEHOLDERS if not getattr(known, name)]
    shown = frozenset(_PLACEHOLDERS[name] for name in missing) | _MADE_LATER
    return replace(known, examples=shown, **{name: getattr(usual, name) for name in missing})


def _text(
    config: Config, words: Words, name: str, language: str, form: Form, known: _Known
) -> Text:
    said, zone = config.acknowledge, known.now.tzinfo
    if name in NOTICES:
        return _notice(config, words, name, language, form, known)
    if name.startswith(ACKNOWLEDGEMENT):
        told = AckFacts(
            gateway_name=config.gateway.name, reference=known.reference, now=known.now,
            promised_by=known.promised.by.astimezone(zone), open_now=known.promised.open_now,
            closed_days=known.promised.closed, reopens_at=known.promised.reopens_at,
            subject=known.subject, customer_name=known.customer_name,
            phone=said.phone, phone_hours=said.phone_hours, authenticated=known.authenticated,
        )  # fmt: skip
        return words.acknowledgement(told, language, form, name)
    answered, closes, promised = (
        one and one.astimezone(zone)
        for one in (known.answered_at, known.closes_at, known.promised_by)
    )
    url = config.http.public_url
    facts = FollowUpFacts(
        gateway_name=config.gateway.name, reference=known.reference, now=known.now,
        answered_at=answered, closes_at=closes, promised_by=promised, subject=known.subject,
        customer_name=known.customer_name, phone=said.phone, phone_hours=said.phone_hours,
        authenticated=known.authenticated, question=known.question, other=known.other,
        colleague=known.colleague, waiting_for=known.waiting_for, vote_url=f"{url}/v/…" if url else "",
    )  # fmt: skip
    return words.follow_up(name, facts, language, form, examples=known.examples)


def _notice(
    config: Config, words: Words, name: str, language: str, form: Form, known: _Known
) -> Text:
    """The frame around what a person has to say, which stands nowhere so far."""
    said, url = config.notices, config.http.public_url
    facts = NoticeFacts(
        gateway_name=config.gateway.name, reference=known.reference, text="…",
        sender=said.sender or config.gateway.name, sender_address=said.sender_address or "…",
        unsubscribe=f"{url}/u/…" if url else "",
    )  # fmt: skip
    unset = {one for one in ("sender", "sender_address") if not getattr(said, one)}
    examples = known.examples and known.examples | unset
    return words.notice(name.partition("_")[2], facts, language, form, examples=examples)
