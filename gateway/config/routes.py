"""The list `[[route]]`: what is done with a new case, by what opened it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field

from gateway.config.errors import Finding, any_of
from gateway.config.types import Language, Some, Table, Word, listed
from gateway.team.route import ACKNOWLEDGEMENT, Mode, Route, folded, is_from, keywords, untagged
from normalizer.message import AutoKind

_CONDITIONS: Final = (
    "channel",
    "address",
    "keyword",
    "language",
    "automatic",
    "open",
    "from",
    "attribute",
)
_ACTIONS: Final = (
    "tags", "priority", "owner", "template", "sensitive", "mode", "silence", "calendar",
)  # fmt: skip

Tables = Mapping[int, Mapping[str, Any]]


class RouteRule(Table):
    """What is done with a new case; every condition that is said must hold, any of its values does."""

    name: str = Field(
        min_length=1,
        description="Its own name, for you and `madoguchi why`.",
        examples=['name = "complaints"'],
    )
    channel: Some = Field((), description="Condition: the channel's name, or several.")
    address: Some = Field((), description="Condition: our address that it came to, or several.")
    keyword: Some = Field(
        (),
        description="Condition: a word in the subject or in what was newly written, or several. "
        "Whole words in scripts with spaces, anywhere in Japanese.",
    )
    language: Annotated[tuple[Language, ...], BeforeValidator(listed)] = Field(
        (), description="Condition: the language that it is written in, or several."
    )
    automatic: Annotated[tuple[AutoKind, ...], BeforeValidator(listed)] = Field(
        (), description='Condition: "human", "bulk", "list" or another kind of automatic mail.'
    )
    open: bool | None = Field(
        None, description="Condition: it came within (`true`) or outside (`false`) opening hours."
    )
    from_: Some = Field(
        (), alias="from", description="Condition: the author's address or domain, or several."
    )
    attribute: Some = Field(
        (),
        description="Condition: what an `[[ask]]` found in the first message, as `NAME` or as "
        "`NAME=VALUE`, or several.",
    )
    tags: tuple[Word, ...] = Field((), description="Action: tags for the case.")
    priority: str = Field("", max_length=50, description="Action: the case's priority, any word.")
    owner: str = Field("", max_length=200, description="Action: whose case it is.")
    template: str = Field(
        "", description="Action: another acknowledgement, such as `acknowledgement_repairs`."
    )
    sensitive: bool = Field(
        False,
        description="Action: a person speaks here; the plain acknowledgement goes out, people are "
        "told at once, and no nudge or survey ever follows.",
    )
    mode: Literal["live", "approve", "watch"] | None = Field(
        None,
        description="Action: how freely we speak in the case, in place of the channel's `mode`; "
        "never freer than `[gateway]`.",
    )
    silence: bool = Field(False, description="Action: we say nothing by ourselves in the case.")
    calendar: str = Field(
        "", description="Action: the name of `[[calendars]]` that the case counts by."
    )

    def route(self) -> Route:
        """As new cases meet it."""
        mode: Mode = "silence" if self.silence else (self.mode or "")
        return Route(
            name=self.name,
            channel=frozenset(self.channel),
            address=frozenset(map(untagged, self.address)),
            keyword=keywords(self.keyword) if self.keyword else None,
            language=frozenset(one.partition("-")[0] for one in self.language),
            automatic=frozenset(self.automatic),
            open=self.open,
            sender=tuple(one.lower() for one in self.from_),
            attribute=frozenset(map(folded, self.attribute)),
            tags=self.tags,
            priority=self.priority,
            owner=self.owner,
            template=self.template,
            sensitive=self.sensitive,
            mode=mode,
            calendar=self.calendar,
        )


def check(routes: Tables, channels: Tables, templates: Iterable[str]) -> Iterator[Finding]:
    """Rules that cannot hold, or whose words would never count."""
    ours = {
        untagged(str(one))
        for table in channels.values()
        if isinstance(table.get("addresses"), list)
        for one in table["addresses"]
    }
    names = [str(table.get("name")) for table in channels.values()]
    for index, table in routes.items():
        yield from _blank(index, table)
        yield from _actions(index, table)
        yield from _strangers(index, table, "channel", names, str)
        yield from _strangers(index, table, "address", sorted(ours), untagged)
        yield from _template(index, table, templates)
        yield from _shadow(index, table, routes)


def _values(table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = listed(table.get(key, ()))
    return tuple(map(str, value)) if isinstance(value, tuple) else ()


def _blank(index: int, table: Mapping[str, Any]) -> Iterator[Finding]:
    for key in (*_CONDITIONS, "tags"):
        value = listed(table.get(key))
        if value == () or (isinstance(value, tuple) and not all(str(v).strip() for v in value)):
            said = "must not be empty; leave the key out where everything is meant"
            yield Finding(("route", index, key), said)


def _actions(index: int, table: Mapping[str, Any]) -> Iterator[Finding]:
    said = [key for key in _ACTIONS if table.get(key)]
    if not said:
        yield Finding(("route", index), f"does nothing; write one of {any_of(_ACTIONS)}")
    if table.get("silence") is True:
        for key in ("template", "mode"):
            if key in said:
                what = "has no effect beside silence = true; keep one of the two"
                yield Finding(("route", index, key), what)


def _strangers(
    index: int, table: Mapping[str, Any], key: str, known: list[str], fold: Any
) -> Iterator[Finding]:
    for value in _values(table, key):
        if fold(value) not in known:
            what = f"possible: {any_of(known)}" if known else "there is none"
            said = f'no channel is or has "{value}", so the rule can never hold; {what}'
            yield Finding(("route", index, key), said)


def _template(index: int, table: Mapping[str, Any], templates: Iterable[str]) -> Iterator[Finding]:
    name = table.get("template")
    if not isinstance(name, str) or not name:
        return
    known = sorted(one for one in templates if one.startswith(ACKNOWLEDGEMENT))
    if name not in known:
        said = (
            f'there is no acknowledgement "{name}"; possible: {any_of(known)}, '
            f"or a template of your own whose name begins with {ACKNOWLEDGEMENT}_"
        )
        yield Finding(("route", index, "template"), said)


def _shadow(index: int, table: Mapping[str, Any], routes: Tables) -> Iterator[Finding]:
    """Whether all that a rule says was said before it, wherever it holds."""
    earlier = [one for before, one in routes.items() if before < index and _covers(one, table)]
    said = {key for key in _ACTIONS if table.get(key) and key != "tags"}
    taken = {_slot(key) for one in earlier for key in _ACTIONS if one.get(key)}
    tags = {tag for one in earlier for tag in _values(one, "tags")}
    if (
        earlier
        and {_slot(key) for key in said} <= taken
        and tags.issuperset(_values(table, "tags"))
    ):
        names = any_of([str(one.get("name")) for one in earlier], "and")
        what = f"can have no effect: {names} above it holds wherever it does; put it first"
        yield Finding(("route", index), what)


def _slot(action: str) -> str:
    """Silence is a mode."""
    return "mode" if action == "silence" else action


def _covers(wide: Mapping[str, Any], narrow: Mapping[str, Any]) -> bool:
    """Whether `wide` holds wherever `narrow` does."""
    return all(
        key not in wide or (key in narrow and _within(key, wide, narrow)) for key in _CONDITIONS
    )


def _within(key: str, wide: Mapping[str, Any], narrow: Mapping[str, Any]) -> bool:
    if key == "open":
        return bool(wide[key] == narrow[key])
    theirs, ours = _values(wide, key), _values(narrow, key)
    if key == "from":
        return all(any(is_from(o.lower(), t.lower()) or o.lower() == t.lower() for t in theirs) for o in ours)  # fmt: skip
    return set(map(folded, ours)) <= set(map(folded, theirs))
