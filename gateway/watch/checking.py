"""What `madoguchi check` looks at beyond the file itself."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from channels import load
from channels.base import Checked, Closed, DeliveryError, Host, Settings
from gateway import rules
from gateway.admin.posts import knock
from gateway.config import Config
from gateway.config.lines import KeyPath, printed
from gateway.config.routes import RouteRule
from gateway.config.rules import FollowUp
from gateway.config.types import is_network
from gateway.faq.entries import FaqError
from gateway.sender.resolver import Resolver, system
from gateway.watch.published import look
from gateway.words import Form, Words, WordsError
from store.engine import StoreDamaged, StoreUnavailable
from store.store import ping

Place = Callable[[KeyPath], str]

_PATIENCE = 60.0  # seconds for one channel's probe


class Finding(NamedTuple):
    """Something that a check found, and whether the daemon could not live with it."""

    is_error: bool
    text: str

    def __str__(self) -> str:
        return f"{'error' if self.is_error else 'note'}: {self.text}"


def texts(config: Config, place: Place = printed) -> Iterator[Finding]:
    """Templates that cannot be used, rules that never hold, tables that have no effect yet.

    `place` says where a key stands in the file.
    """
    try:
        yield from _languages(config, rules.words(config), place)
    except WordsError as error:
        yield from (Finding(True, line) for line in str(error).splitlines())
    yield from _faq(config)
    yield from _replies(config)
    yield from _forms(config)
    for settings in config.channels:
        for name, text in settings.to_publish():
            said = f'channel {settings.name}: publish in DNS: {name} TXT "{text}"'
            yield Finding(False, said)


def _languages(config: Config, words: Words, place: Place) -> Iterator[Finding]:
    """Templates that customers of a channel would read in another language than its own."""
    forms = {settings.form for settings in config.channels} or {"long"}
    spoken: dict[tuple[str, Words], tuple[KeyPath, set[Form]]] = {
        (config.gateway.language, words): (("gateway", "language"), forms)
    }
    for index, settings in enumerate(config.channels):
        language = settings.language or config.gateway.language
        path: KeyPath = ("channel", index, "language")
        spoken.setdefault((language, words.on(settings.name)), (path, {settings.form}))
    sent = {rule.send for rule in config.rules()} | {rule.template for rule in config.route}
    for (language, said), (path, forms) in spoken.items():
        for name in sorted({"acknowledgement", *filter(None, sent)}):
            if not all(said.has(name, language, form) for form in forms):
                yield Finding(True, f"{place(path)}: {_missing(name, language)}")
    yield from _asked_for(config, words, place)


def _asked_for(config: Config, words: Words, place: Place) -> Iterator[Finding]:
    """Languages that a rule is for by its own word, and that its template is not there in."""
    named: dict[KeyPath, tuple[FollowUp | RouteRule, str]] = {
        **{("follow_up", n): (rule, rule.send or "") for n, rule in enumerate(config.follow_up)},
        **{("route", n): (rule, rule.template) for n, rule in enumerate(config.route)},
    }
    for path, (rule, name) in named.items():
        on = [s for s in config.channels if not rule.channel or s.name in rule.channel]
        for language in rule.language if name else ():
            if not all(words.on(s.name).has(name, language, s.form) for s in on):
                yield Finding(True, f"{place((*path, 'language'))}: {_missing(name, language)}")


def _missing(name: str, language: str) -> str:
    return (
        f"template {name} is missing in {language}; add {language}/{name}.long.txt and"
        f" {name}.short.txt to the folder of [acknowledge] templates, or name another language"
    )


def _replies(config: Config) -> Iterator[Finding]:
    """Saved replies that cannot be used, or not in every language that is spoken here."""
    try:
        saved = rules.replies(config)
    except WordsError as error:
        yield from (Finding(True, line) for line in str(error).splitlines())
        return
    if not config.replies.folder:
        return
    spoken = {config.gateway.language, *(s.language for s in config.channels if s.language)}
    for name, language in saved.missing(spoken):
        said = f"saved reply {name} is missing in {language}; add {language}/{name}.txt"
        yield Finding(True, f"{said} to {config.replies.folder}, or remove {name}.txt elsewhere")


def _faq(config: Config) -> Iterator[Finding]:
    """Files of the FAQ folder that cannot be used, and a folder without any."""
    try:
        entries = rules.faq(config)
    except FaqError as error:
        yield from (Finding(True, line) for line in str(error).splitlines())
        return
    if config.faq.folder and not entries:
        yield Finding(
            False, f"[faq] folder {config.faq.folder} holds no .md file: nothing is named"
        )


def _forms(config: Config) -> Iterator[Finding]:
    """A domain can only vouch for a form where we believe somebody's Authentication-Results."""
    if any(any(settings.trusted()) for settings in config.channels):
        return
    for rule in config.form_mail:
        if not any(map(is_network, rule.authenticated_by)):
            name = rule.form or rule.from_
            yield Finding(
                False,
                f'the [[form_mail]] rule "{name}" never holds: it asks for a domain that passed,'
                " and no channel has trusted_relays or trusted_authserv",
            )


async def connect(config: Config) -> list[Finding]:
    """Try the store and each channel; the daemon may be running meanwhile."""
    found = [await _store(config)]
    for settings in config.channels:
        found += await channel(config, settings)
    return [*found, *await _alarms(config), *await _published(config)]


async def _alarms(config: Config) -> list[Finding]:
    """Where alarms are posted; nothing is posted there now."""
    if not config.alarms.url:
        return []
    try:
        return [Finding(False, f"alarms: {await knock(config.alarms.url)}")]
    except DeliveryError as error:
        return [Finding(True, f"alarms: {error}")]


async def _published(config: Config) -> list[Finding]:
    """What the channels need in the DNS, asked where senders' records are asked."""
    records = [record for settings in config.channels for record in settings.to_publish()]
    if not records:
        return []
    dns = config.authentication.dns
    resolver = Resolver([(dns.host, dns.port)] if dns else system())
    try:
        looks = await look(records, resolver)
    finally:
        await resolver.close()
    return [Finding(one.is_wrong, f"DNS: {one.name} {one.said}") for one in looks]


async def channel(config: Config, settings: Settings) -> list[Finding]:
    """Try one channel, in a folder of its own; only its log-in is the daemon's."""
    with tempfile.TemporaryDirectory() as folder:
        hostname = config.gateway.hostname or socket.gethostname()
        host = Host(hostname, Path(folder), logins=config.gateway.data_dir / "oauth")
        built = load(settings.type)(settings, host)
        if not isinstance(built, Checked):
            return [Finding(False, f"channel {settings.name}: there is nothing to try")]
        try:
            return await _channel(settings.name, built)
        finally:
            if isinstance(built, Closed):
                await built.close()


async def _store(config: Config) -> Finding:
    try:
        later = await asyncio.to_thread(ping, config.store.dsn)
    except (StoreUnavailable, StoreDamaged) as error:
        return Finding(True, f"store: {error}")
    return Finding(False, f"store: {later or 'answers'}")


async def _channel(name: str, channel: Checked) -> list[Finding]:
    """What it says, line by line."""
    try:
        async with asyncio.timeout(_PATIENCE):
            said, is_error = await channel.check(), False
    except (DeliveryError, OSError) as error:
        said, is_error = str(error), True
    except TimeoutError:
        said, is_error = f"no answer within {_PATIENCE:.0f} s", True
    return [Finding(is_error, f"channel {name}: {line}") for line in said.splitlines()]
