"""What must fit across tables: names, addresses, ports, templates.

Reads the tables as they were written, so that one error does not hide another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from gateway.config import accounts, alarms, asks, circles, offers, routes, staff
from gateway.config.errors import Finding, any_of
from gateway.config.lines import KeyPath
from gateway.config.models import Http
from gateway.config.types import Endpoint, is_network, listed
from gateway.team.reached import is_elsewhere
from gateway.team.route import ACKNOWLEDGEMENT
from gateway.words import NOTICES

_ACTIONS = ("send", "notify", "set_status")
_LOG_INS = frozenset({"password", "send_password", "oauth"})
_TLS = ("none", "starttls", "implicit")
# What is said at moments of its own, with facts that no rule has.
_OTHERS = NOTICES | {"link_notice", "linked", "question", "reminder", "solved"}
_OWN = Path(__file__).parents[1] / "templates"

Tables = dict[int, Mapping[str, Any]]


def across(data: Mapping[str, Any]) -> Iterator[Finding]:
    """Everything that two tables contradict each other in."""
    channels, follow_ups = _tables(data, "channel"), _tables(data, "follow_up")
    yield from _names("channel", channels)
    yield from _names("follow_up", follow_ups)
    yield from _names("staff", _tables(data, "staff"))
    yield from _names("route", _tables(data, "route"))
    yield from _calendars(data)
    yield from _addresses(channels)
    yield from accounts.check(channels)
    yield from staff.check(_tables(data, "staff"), channels)
    yield from _ports(data.get("http"), channels)
    yield from _relays(channels)
    yield from _ways_out(channels)
    yield from _actions(follow_ups)
    yield from _for_nobody(follow_ups, channels)
    yield from circles.check(follow_ups)
    yield from _nobody_told(follow_ups, channels)
    yield from _promise(data, channels)
    known = _known_templates(data.get("acknowledge"))
    yield from _templates(known, data.get("notices"), follow_ups)
    yield from offers.check(data.get("acknowledge"), channels)
    yield from routes.check(_tables(data, "route"), channels, known)
    yield from _names("ask", _tables(data, "ask"))
    yield from asks.check(_tables(data, "ask"), data, _tables(data, "route"), channels)
    yield from _spam_headers(data.get("spam"), channels)
    yield from alarms.check(data.get("alarms"), channels)


def _tables(data: Mapping[str, Any], key: str) -> Tables:
    listed = data.get(key)
    entries = enumerate(listed if isinstance(listed, list) else ())
    return {index: table for index, table in entries if isinstance(table, dict)}


def _names(kind: str, tables: Tables) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for index, table in tables.items():
        name = table.get("name")
        if isinstance(name, str) and first.setdefault(name, index) != index:
            said = f'{kind}[{first[name]}] is already called "{name}"; give each its own name'
            yield Finding((kind, index, "name"), said)


def _calendars(data: Mapping[str, Any]) -> Iterator[Finding]:
    named = _tables(data, "calendars")
    yield from _names("calendars", named)
    known = sorted(str(table.get("name")) for table in named.values())
    for kind in ("channel", "route", "follow_up"):
        for index, table in _tables(data, kind).items():
            name = table.get("calendar")
            if isinstance(name, str) and name and name not in known:
                possible = f"possible: {any_of(known)}" if known else "add one as [[calendars]]"
                yield Finding(
                    (kind, index, "calendar"), f'there is no calendar "{name}"; {possible}'
                )


def _addresses(channels: Tables) -> Iterator[Finding]:
    places: dict[str, list[KeyPath]] = defaultdict(list)
    for index, table in channels.items():
        addresses = table.get("addresses")
        for place, address in enumerate(addresses if isinstance(addresses, list) else ()):
            places[str(address).lower()].append(("channel", index, "addresses", place))
    for address, paths in places.items():
        owners = sorted({int(path[1]) for path in paths})
        primary = [owner for owner in owners if channels[owner].get("primary") is True]
        if len(owners) < len(paths):
            yield Finding(paths[-1], f"{address} stands twice in one channel; keep one")
        if len(owners) > 1 and len(primary) != 1:
            what = "only one of them may say" if primary else "one of them must say"
            also = ", ".join(f"channel[{owner}]" for owner in owners[:-1])
            said = f"{address} belongs to {also} too; {what} primary = true"
            yield Finding(("channel", owners[-1], "addresses"), said)


def _ports(http: Any, channels: Tables) -> Iterator[Finding]:
    taken: list[tuple[str, Endpoint]] = []
    ours = http.get("listen") if isinstance(http, dict) else None
    listening: dict[str, tuple[KeyPath, Any]] = {
        "[http]": (("http", "listen"), ours or str(Http().listen))
    }
    for index, table in channels.items():
        listening[f"channel[{index}]"] = ("channel", index, "listen"), table.get("listen")
    for name, (path, text) in listening.items():
        here = _endpoint(text)
        if not here:
            continue
        other = next((one for one, there in taken if here.collides(there)), "")
        if other:
            yield Finding(path, f'"{here}" is taken by {other}; choose another port')
        taken.append((name, here))


def _endpoint(text: Any) -> Endpoint | None:
    try:
        return Endpoint.parse(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _relays(channels: Tables) -> Iterator[Finding]:
    for index, table in channels.items():
        relays = table.get("trusted_relays")
        for place, relay in enumerate(relays if isinstance(relays, list) else ()):
            if not is_network(str(relay)):
                said = f'"{relay}" is not an IP address or a network such as "192.0.2.0/24"'
                yield Finding(("channel", index, "trusted_relays", place), said)


def _ways_out(channels: Tables) -> Iterator[Finding]:
    for index, table in channels.items():
        send = table.get("send")
        said = _smarthost_error(send) if isinstance(send, str) else ""
        if said:
            yield Finding(("channel", index, "send"), said)
        elif isinstance(send, str) and (user := _user(send)) and not table.keys() & _LOG_INS:
            said = f'is missing; "{user}" in send logs in with one: password = {{ file = … }}'
            yield Finding(("channel", index, "password"), said)


def _user(send: str) -> str:
    parts = urlsplit(send)
    return unquote(parts.username or "") if parts.scheme == "smtp" else ""


def _smarthost_error(send: str) -> str:
    try:
        parts = urlsplit(send)
        port, query = parts.port, dict(parse_qsl(parts.query, keep_blank_values=True))
    except ValueError:
        return 'its port must be a number up to 65535, as in "smtp://HOST:587"'
    if parts.scheme != "smtp":
        return ""
    if not port:
        return 'names no port; write for example "smtp://HOST:587?tls=starttls"'
    if query.keys() - {"tls"} or query.get("tls", "none") not in _TLS:
        return f"may only end in ?tls= and one of {any_of(_TLS)}"
    return ""


def _actions(follow_ups: Tables) -> Iterator[Finding]:
    for index, table in follow_ups.items():
        found = [action for action in _ACTIONS if action in table]
        if len(found) != 1:
            said = f"has {any_of(found, 'and') if found else 'no action'}; write exactly one of {any_of(_ACTIONS)}"
            yield Finding(("follow_up", index), said)
        if table.get("notify") == []:
            said = 'names nobody; write for example notify = ["desk@example.com"]'
            yield Finding(("follow_up", index, "notify"), said)


def _for_nobody(follow_ups: Tables, channels: Tables) -> Iterator[Finding]:
    names = [str(table.get("name")) for table in channels.values()]
    for index, table in follow_ups.items():
        for key in ("channel", "tag", "language", "attribute"):
            if table.get(key) == []:
                said = "must not be empty; leave the key out where every case is meant"
                yield Finding(("follow_up", index, key), said)
        for name in listed(table.get("channel", ())):
            if name not in names:
                said = f'no channel is called "{name}", so it can never fire; possible: {any_of(names)}'
                yield Finding(("follow_up", index, "channel"), said)


def _nobody_told(follow_ups: Tables, channels: Tables) -> Iterator[Finding]:
    """People are told by mail, so a rule without a mail channel could never fire."""
    if any("send" in channel for channel in channels.values()):
        return
    for index, table in follow_ups.items():
        if _writes_mail(table.get("notify")):
            said = "needs a channel that sends mail; add one with addresses and send"
            yield Finding(("follow_up", index, "notify"), said)


def _writes_mail(notify: Any) -> bool:
    told = notify if isinstance(notify, list) else ()
    return any(isinstance(one, str) and not is_elsewhere(one) for one in told)


def _promise(data: Mapping[str, Any], channels: Tables) -> Iterator[Finding]:
    """Who watches over promises needs a way to tell people."""
    promise = data.get("promise")
    if not isinstance(promise, dict):
        return
    if _writes_mail(promise.get("notify")) and not any("send" in one for one in channels.values()):
        said = "needs a channel that sends mail; add one with addresses and send"
        yield Finding(("promise", "notify"), said)


def _known_templates(acknowledge: Any) -> frozenset[str]:
    own = acknowledge.get("templates") if isinstance(acknowledge, dict) else None
    folders = [_OWN, Path(own)] if isinstance(own, str) else [_OWN]
    found = (file for folder in folders for file in folder.rglob("*.txt"))
    return frozenset(file.name.partition(".")[0] for file in found)


def _templates(known: frozenset[str], notices: Any, follow_ups: Tables) -> Iterator[Finding]:
    stages = notices.get("stages") if isinstance(notices, dict) else None
    named: dict[KeyPath, Any] = {
        ("follow_up", index, "send"): table.get("send") for index, table in follow_ups.items()
    }
    possible = {name for name in known - _OTHERS if not name.startswith(ACKNOWLEDGEMENT)}
    if isinstance(stages, dict):
        named |= {("notices", "stages", stage): name for stage, name in stages.items()}
    for path, name in named.items():
        if isinstance(name, str) and name not in possible:
            what = "is for something else" if name in known else "is not there"
            said = f'the template "{name}" {what}; possible: {any_of(sorted(possible))}'
            yield Finding(path, said)


def _spam_headers(spam: Any, channels: Tables) -> Iterator[Finding]:
    listed = spam.get("trust_headers") if isinstance(spam, dict) else None
    known = [str(table.get("name")) for table in channels.values()]
    for place, name in enumerate(listed if isinstance(listed, list) else ()):
        if name not in known:
            said = f'there is no channel "{name}"; possible: {any_of(known)}'
            yield Finding(("spam", "trust_headers", place), said)
