"""The words that customers read: templates by language and form, filled with facts."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from gateway.words.dates import Dates
from gateway.words.sheets import Form, Key, Sheet, WordsError, read_sheets
from scheduler.calendar import ClosedDay

__all__ = [
    "AckFacts",
    "FollowUpFacts",
    "Form",
    "NoticeFacts",
    "Text",
    "Words",
    "WordsError",
    "clean_line",
    "dates_of",
    "own_dates",
]

Facts = Mapping[str, str | bool]

_OWN: Final = Path(__file__).parents[1] / "templates"
_LAST_RESORT: Final = "en"
_GAP: Final = "\ue000"  # where a reference would stand
_LONGEST_NAME: Final = 100
# A header line of ours; RFC 5322 section 2.1.1 would allow a little more than four times that.
_LONGEST_SUBJECT: Final = 250

_COMMON: Final = (
    "gateway_name is_support reference customer_name subject promised phone phone_hours"
)
_ACKNOWLEDGEMENT: Final = frozenset(
    f"{_COMMON} open opens opens_today closed_today holiday_today closed_until closed_until_short"
    " promised_after_opening surge offers suggestions helped_url questions".split()
)
_FOLLOW_UP: Final = frozenset(
    f"{_COMMON} answered_on closes_on vote_url other question colleague waiting_for".split()
)
_NOTICE: Final = frozenset(
    [
        "gateway_name",
        "is_support",
        "reference",
        "subject",
        "text",
        "sender",
        "sender_address",
        "unsubscribe",
    ]
)
NOTICES: Final = frozenset({"notice_service", "notice_promotion"})

# What breaks a line, and what no line shall carry: controls, bidi overrides (CVE-2021-42574) and
# lone surrogates, which no mail can encode.
_BREAKS: Final = re.compile(r"[\t-\r\x1c-\x1e\x85\u2028\u2029]+")
_UNSEEN: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ud800-\udfff\ufeff]"
)
_RE: Final = re.compile(r"^(?:re\s*[:：]\s*)+", re.IGNORECASE)
_SAYS_SUPPORT: Final = re.compile(
    "support|help|service|desk|サポート|窓口|センター|係", re.IGNORECASE
)


class Text(NamedTuple):
    """What a template says; the short form has no subject."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AckFacts:
    """What an acknowledgement tells.

    `now` is aware and in the gateway's zone. `closed_days` and `reopens_at` are as the calendar
    gives them, and matter when `open_now` is false. `customer_name` (in Japanese, the surname) comes
    from a customer's record, never from a display name; it and `subject` are shown to an
    `authenticated` sender only. `offers` are lines such as `LINE: https://…`, by which to go on.
    `suggestions` are lines that name pages of ours, and `helped_url` is where somebody says that one
    of them was enough; `questions` what we ask: lines of a letter, or one sentence.
    """

    gateway_name: str
    reference: str
    now: datetime
    promised_by: datetime
    open_now: bool
    closed_days: tuple[ClosedDay, ...] = ()
    reopens_at: datetime | None = None
    surge: bool = False
    customer_name: str = ""
    subject: str = ""
    phone: str = ""
    phone_hours: str = ""
    authenticated: bool = False
    offers: str = ""
    suggestions: str = ""
    helped_url: str = ""
    questions: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUpFacts:
    """What a nudge, a closing, a survey or a notice tells; as in AckFacts.

    `answered_at` is our last word to the customer, `closes_at` when the case will be resolved,
    `promised_by` until when we promise to answer; None leaves the sentence out, and so does a
    promise that has gone by. `vote_url` is the page of a survey. `other` is another way of writing to
    us, such as "LINE". `colleague` is who takes care now, as customers read of them; `waiting_for` is
    what we wait for, in the words of one of us.
    """

    gateway_name: str
    reference: str
    now: datetime
    answered_at: datetime | None = None
    closes_at: datetime | None = None
    promised_by: datetime | None = None
    vote_url: str = ""
    question: str = ""
    customer_name: str = ""
    subject: str = ""
    phone: str = ""
    phone_hours: str = ""
    authenticated: bool = False
    other: str = ""
    colleague: str = ""
    waiting_for: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeFacts:
    """What a notice that a person started tells: their `text`, and who sends it.

    `unsubscribe` is the link that ends promotions; without one, an answer does.
    """

    gateway_name: str
    reference: str
    text: str
    subject: str = ""
    sender: str = ""
    sender_address: str = ""
    unsubscribe: str = ""


class Words:
    """All templates, ours and those of `folder` (which win), compiled once.

    `own` are folders of channels whose words win there over both. A language without a template falls back to `default`, then to English, then to any. WordsError lists every
    file of `folder` that cannot be used.
    """

    def __init__(
        self,
        folder: Path | None = None,
        default: str = _LAST_RESORT,
        own: Mapping[str, Path] | None = None,
        *,
        over: Path | None = None,
    ) -> None:
        self._default = default.lower()
        self._sheets = _read([one for one in (_OWN, folder, over) if one])
        self._own = {name: Words(folder, default, over=one) for name, one in (own or {}).items()}

    def on(self, channel: str) -> Words:
        """As they are said on a channel."""
        return self._own.get(channel, self)

    @property
    def each(self) -> tuple[Words, ...]:
        """Everybody's, and those of channels with their own."""
        return (self, *self._own.values())

    @property
    def languages(self) -> frozenset[str]:
        """The languages that have an acknowledgement."""
        return frozenset(
            language for language, name, _ in self._sheets if name == "acknowledgement"
        )

    def has(self, name: str, language: str, form: Form) -> bool:
        """Whether a template is there in a language, or in the one that it is a kind of."""
        tags = (language.lower(), language.lower().partition("-")[0])
        return any((tag, name, form) in self._sheets for tag in tags)

    @property
    def names(self) -> frozenset[str]:
        """The templates that there are, in whatever language."""
        return frozenset(name for _, name, _ in self._sheets)

    def spoken(self, name: str) -> frozenset[str]:
        """The languages that have a template."""
        return frozenset(language for language, one, _ in self._sheets if one == name)

    def acknowledgement(
        self, facts: AckFacts, language: str, form: Form, name: str = "acknowledgement"
    ) -> Text:
        """Say that we have it, and by when a person answers; LookupError when there is no `name`."""
        sheet = self._sheet(name, language, form)
        return _render(sheet, _acknowledgement(facts, sheet.dates))

    def follow_up(
        self, name: str, facts: FollowUpFacts, language: str, form: Form,
        *, examples: Collection[str] = (),
    ) -> Text:  # fmt: skip
        """Say what the template `name` says; LookupError when there is none.

        The placeholders in `examples` are marked as such: so texts are looked at before they go out.
        """
        sheet = self._sheet(name, language, form)
        return _render(sheet, _marked(_follow_up(facts, sheet.dates), examples))

    def notice(
        self, kind: str, facts: NoticeFacts, language: str, form: Form,
        *, examples: Collection[str] = (),
    ) -> Text:  # fmt: skip
        """Say what a person has to tell many, as `notice_service` or `notice_promotion` frame it."""
        sheet = self._sheet(f"notice_{kind}", language, form)
        told = asdict(facts) | {"is_support": _says_support(facts.gateway_name)}
        return _render(sheet, _marked(told, examples))

    def unchanging(self, language: str) -> tuple[str, str]:
        """Of a stranger's acknowledgement, the subject before its reference and the last line."""
        now = datetime(2026, 1, 5, 12, tzinfo=UTC)
        facts = AckFacts(gateway_name="", reference=_GAP, now=now, promised_by=now, open_now=True)
        subject, body = self.acknowledgement(facts, language, "long")
        return subject.partition(_GAP)[0].strip(), body.strip().rpartition("\n")[2]

    def _sheet(self, name: str, language: str, form: Form) -> Sheet:
        language = language.lower()
        for candidate in (language, language.partition("-")[0], self._default, _LAST_RESORT):
            if sheet := self._sheets.get((candidate, name, form)):
                return sheet
        # A name of the operator's own, in a language that we were not asked for.
        for (_, *found), sheet in self._sheets.items():
            if found == [name, form]:
                return sheet
        raise LookupError(f"no template {name}.{form}.txt")


@lru_cache(maxsize=8)
def own_dates(language: str) -> Dates:
    """How days are said in a language that comes with us."""
    return Dates.read(_OWN / language / "dates.toml")


def dates_of(folder: Path | None) -> dict[str, Dates]:
    """How days are said, by language: ours, and those of a folder of texts, which win."""
    found = {}
    for place in (_OWN, folder) if folder else (_OWN,):
        for file in sorted(place.glob("*/dates.toml")):
            try:
                found[file.parent.name.lower()] = Dates.read(file)
            except ValueError as error:
                raise WordsError(str(error)) from None
    return found


def clean_line(text: str, limit: int = _LONGEST_SUBJECT) -> str:
    """Make one line, safe for a header, of at most `limit` characters; cut ones end in "…"."""
    # Far more than is kept, far less than would cost anything.
    text = text[: 4 * limit]
    if not text.isprintable():
        text = _UNSEEN.sub("", _BREAKS.sub(" ", text))
    text = text.strip()
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _read(folders: Sequence[Path]) -> dict[Key, Sheet]:
    if missing := [
        f"{folder}: there is no such folder" for folder in folders if not folder.is_dir()
    ]:
        raise WordsError("\n".join(missing))
    sheets = read_sheets(folders, _placeholders)
    if problems := _lonely(sheets):
        raise WordsError("\n".join(problems))
    return sheets


def _lonely(sheets: Collection[Key]) -> list[str]:
    known = {(name, form) for _, name, form in sheets}
    return [
        f"{name}.{form}.txt is missing: a template needs a long and a short form"
        for name, _ in sorted(known)
        for form in ("long", "short")
        if (name, form) not in known
    ]


def _placeholders(name: str) -> frozenset[str]:
    if name in NOTICES:
        return _NOTICE
    return _ACKNOWLEDGEMENT if name.startswith("acknowledgement") else _FOLLOW_UP


def _acknowledgement(facts: AckFacts, dates: Dates) -> Facts:
    lines = {"offers": facts.offers, "suggestions": facts.suggestions, "questions": facts.questions}
    common = _common(facts, dates) | lines | {"helped_url": facts.helped_url}
    common["surge"] = facts.surge
    reopens = facts.reopens_at
    # Who promises elapsed time answers outside opening hours too: then these are no news.
    if facts.open_now or reopens is None or facts.promised_by <= reopens:
        return dict.fromkeys(_ACKNOWLEDGEMENT, "") | common | {"open": True}
    now, closed = facts.now, facts.closed_days
    until = closed[-1] if closed and closed[-1].day > now.date() else None
    closes_today = bool(closed) and closed[0].day == now.date()
    opens_on = reopens.astimezone(now.tzinfo).date()
    opens_today = opens_on == now.date()
    return common | {
        "open": False,
        "opens": dates.opening(reopens, now),
        "opens_today": opens_today,
        "closed_today": closes_today,
        "holiday_today": closes_today and closed[0].is_holiday,
        "closed_until": dates.closed_day(until, now) if until else "",
        "closed_until_short": dates.closed_day(until, now, short=True) if until else "",
        "promised_after_opening": dates.promise(
            facts.promised_by, now, None if opens_today else opens_on
        ),
    }


def _follow_up(facts: FollowUpFacts, dates: Dates) -> Facts:
    answered, closes = facts.answered_at, facts.closes_at
    if facts.promised_by and facts.promised_by < facts.now:
        # A person must make a new promise; we cannot.
        facts = replace(facts, promised_by=None)
    return _common(facts, dates) | {
        "answered_on": dates.past_day(answered, facts.now) if answered else "",
        "closes_on": dates.day(closes, facts.now) if closes else "",
        "vote_url": facts.vote_url,
        "question": facts.question,
        "other": facts.other,
        "colleague": facts.colleague,
        "waiting_for": facts.waiting_for,
    }


def _common(facts: AckFacts | FollowUpFacts, dates: Dates) -> dict[str, str | bool]:
    known = facts.authenticated
    promised = facts.promised_by
    return {
        "gateway_name": facts.gateway_name,
        "is_support": _says_support(facts.gateway_name),
        "reference": facts.reference,
        "customer_name": clean_line(facts.customer_name, _LONGEST_NAME) if known else "",
        "subject": _RE.sub("", clean_line(facts.subject)) if known else "",
        "promised": dates.promise(promised, facts.now) if promised else "",
        "phone": facts.phone,
        "phone_hours": facts.phone_hours,
    }


def _marked(facts: Facts, examples: Collection[str]) -> Facts:
    """With a mark behind the values that stand for what there is not."""
    shown = {name: facts[name] for name in examples if facts.get(name)}
    return {**facts, **{name: f"{value} (example)" for name, value in shown.items()}}


@lru_cache(maxsize=64)
def _says_support(name: str) -> bool:
    return bool(_SAYS_SUPPORT.search(name))


def _render(sheet: Sheet, facts: Facts) -> Text:
    subject = clean_line(sheet.subject.render(facts)) if sheet.subject else ""
    return Text(subject, sheet.body.render(facts).strip() + "\n")
