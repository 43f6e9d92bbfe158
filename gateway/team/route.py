"""Pure: which `[[route]]` rules a new case meets, and what they say together."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeVar

from gateway.team.calendars import Calendars
from normalizer.message import Message
from scheduler.calendar import is_open

if TYPE_CHECKING:  # the configuration names routes, and is read without a store
    from store import rows
    from store.known import Arrival, Changes

Mode = Literal["", "live", "approve", "watch", "silence"]
T = TypeVar("T")

SENSITIVE: Final = "sensitive"  # the tag; who takes it off a case lifts what it holds back
ACKNOWLEDGEMENT: Final = "acknowledgement"

_LOOKED_AT = 20_000  # characters of a text, as for everything that only looks for words
_LETTER = "[0-9a-z\u00df-\u024f]"  # of scripts that set spaces between words
_CJK: Final = "[\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
# Spaces where none are read, and what nobody sees: soft hyphens, characters of no width.
_WITHIN_WORDS: Final = re.compile(f"(?<={_CJK}) (?={_CJK})|[\u00ad\u200b-\u200d\u2060\ufeff]")
_STRICTER: Final = ("live", "approve", "watch", "silence")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One rule: every condition that is said must hold, any of its values does; then its actions."""

    name: str
    channel: frozenset[str] = frozenset()
    address: frozenset[str] = frozenset()
    keyword: re.Pattern[str] | None = None
    language: frozenset[str] = frozenset()
    automatic: frozenset[str] = frozenset()
    open: bool | None = None
    sender: tuple[str, ...] = ()
    attribute: frozenset[str] = frozenset()
    tags: tuple[str, ...] = ()
    priority: str = ""
    owner: str = ""
    template: str = ""
    sensitive: bool = False
    mode: Mode = ""
    calendar: str = ""


class Met(NamedTuple):
    """What is known of a message that opens a case, as rules compare it."""

    channel: str
    addresses: frozenset[str]
    words: str
    language: str
    automatic: str
    open: bool | None
    sender: str
    attributes: frozenset[str] = frozenset()


class Routed(NamedTuple):
    """What the rules that hold say together; `names` are theirs, in the order of the file."""

    names: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    priority: str = ""
    owner: str = ""
    template: str = ""
    mode: Mode = ""
    calendar: str = ""

    @property
    def reason(self) -> str:
        """What `madoguchi why` shows beside the names of the rules."""
        said = {
            "tags": ", ".join(self.tags), "priority": self.priority, "owner": self.owner,
            "template": self.template, "mode": self.mode, "calendar": self.calendar,
        }  # fmt: skip
        return "; ".join(f"{name} {value}" for name, value in said.items() if value)

    def decision(self) -> dict[str, Any]:
        return {"about": "route", "outcome": ", ".join(self.names), "reason": self.reason}


NOWHERE: Final = Routed()


@dataclass(frozen=True, slots=True)
class Routing:
    """The rules, the calendars for `open`, and how freely we speak anywhere at most."""

    routes: tuple[Route, ...]
    calendars: Calendars
    at_most: Mode = "live"

    def __call__(
        self, arrival: Arrival, message: Message, told: Mapping[str, str] | None = None
    ) -> Routed:
        """Every rule that holds counts: tags add up, of the rest the first word does.

        `told` are the attributes that the customer gave the case.
        """
        met = self._met(arrival, message)._replace(attributes=named(told or {}))
        found = [route for route in self.routes if holds(route, met)]
        if not found:
            return NOWHERE
        is_sensitive = any(route.sensitive for route in found)
        tags = (tag for route in found for tag in route.tags)
        # Who chose words for every mail did not choose them for a complaint.
        spoken = [route for route in found if route.sensitive or not is_sensitive]
        return Routed(
            names=tuple(route.name for route in found),
            tags=tuple(dict.fromkeys((*tags, *([SENSITIVE] if is_sensitive else [])))),
            priority=_first(route.priority for route in found),
            owner=_first(route.owner for route in found),
            template=_first(route.template for route in spoken),
            mode=stricter(mode, self.at_most) if (mode := _first(r.mode for r in found)) else "",
            calendar=_first(route.calendar for route in found),
        )

    def _met(self, arrival: Arrival, message: Message) -> Met:
        asks_words = any(route.keyword for route in self.routes)
        asks_hours = any(route.open is not None for route in self.routes)
        to = (*arrival.transport.recipients, *(one.address for one in (*message.to, *message.cc)))
        return Met(
            channel=arrival.channel,
            addresses=frozenset(map(untagged, to)),
            words=_words(message) if asks_words else "",
            language=message.language.partition("-")[0],
            automatic=message.automatic.kind,
            open=self._is_open(arrival) if asks_hours else None,
            sender=_sender(arrival),
        )

    def _is_open(self, arrival: Arrival) -> bool:
        return is_open(self.calendars.on(arrival.channel).calendar, arrival.at)


def _sender(arrival: Arrival) -> str:
    """The author's address; of another kind of channel with the kind before it."""
    identity = arrival.author.identity
    if identity is None:
        return ""
    return identity.address.lower() if identity.kind == "email" else str(identity).lower()


def named(told: Mapping[str, str]) -> frozenset[str]:
    """An attribute as rules name it: by its name, or with its value."""
    return frozenset({*told, *(folded(f"{name}={value}") for name, value in told.items())})


def _first(said: Iterable[T]) -> T:
    """The first that says anything, else the last, which says nothing."""
    found: T
    for found in said:
        if found:
            break
    return found


def stricter(*modes: Mode) -> Mode:
    """The one that says least."""
    return max(modes, key=_STRICTER.index)


def holds(route: Route, met: Met) -> bool:
    """Whether every condition of a rule holds."""
    return (
        (not route.channel or met.channel in route.channel)
        and (not route.address or not route.address.isdisjoint(met.addresses))
        and (not route.language or met.language in route.language)
        and (not route.automatic or met.automatic in route.automatic)
        and (route.open is None or route.open == met.open)
        and (not route.attribute or not route.attribute.isdisjoint(met.attributes))
        and (not route.sender or any(is_from(met.sender, one) for one in route.sender))
        and (route.keyword is None or route.keyword.search(met.words) is not None)
    )


def is_from(sender: str, wanted: str) -> bool:
    """Whether an address is this one, or below this domain."""
    if "@" in wanted or ":" in wanted:
        return sender == wanted
    domain = sender.rpartition("@")[2]
    return domain == wanted or domain.endswith(f".{wanted}")


def untagged(address: str) -> str:
    """An address of ours as the file has it: in lower case, without what follows a plus."""
    local, at, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0]}{at}{domain}"


def folded(text: str) -> str:
    """Full-width letters, capitals and line breaks make no difference (Unicode NFKC, casefold)."""
    words = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    if words.isascii():
        return words
    # Mail programs break lines of Japanese and Chinese within a word, after so many characters.
    return _WITHIN_WORDS.sub("", words)


def keywords(words: Iterable[str]) -> re.Pattern[str]:
    """Finds any of these in a folded text: whole words where a script has spaces, else anywhere."""
    return re.compile("|".join(_bounded(folded(word)) for word in words))


def _bounded(word: str) -> str:
    before = f"(?<!{_LETTER})" if re.match(_LETTER, word) else ""
    after = f"(?!{_LETTER})" if re.match(_LETTER, word[-1:]) else ""
    return f"{before}{re.escape(word)}{after}"


def _words(message: Message) -> str:
    """The subject and what was newly written; what is only quoted counts for nothing."""
    own = message.reply_text or message.text
    return folded(f"{message.subject}\n{own[:_LOOKED_AT]}")


def tagged(case: rows.Case, routed: Routed, changes: Changes) -> rows.Case:
    """The new case as its route wants it."""
    tags = dict.fromkeys((*json.loads(case.tags), *routed.tags))
    after = case._replace(
        tags=json.dumps(list(tags), ensure_ascii=False),
        priority=routed.priority,
        owner=routed.owner,
        mode=routed.mode,
        calendar=routed.calendar,
    )
    changed = ("tags", "priority", "owner", "mode", "calendar")
    changes.update("cases", case.id, **{name: getattr(after, name) for name in changed})
    return after


def is_sensitive(case: rows.Case) -> bool:
    """Whether a person alone speaks here, but for the plain acknowledgement."""
    return SENSITIVE in case.tags and SENSITIVE in json.loads(case.tags)
