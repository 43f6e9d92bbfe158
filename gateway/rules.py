"""Pure: the configuration as the rules that decide what is said, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from channels.base import Settings
from gateway.admin.letters import Letters as AdminLetters
from gateway.admin.posts import Posts
from gateway.admit import Admission
from gateway.alarm import Alarms
from gateway.authenticate import Keys
from gateway.config import Config
from gateway.desk.colleagues import Colleagues
from gateway.desk.handing import Handing
from gateway.desk.speak import Desk
from gateway.desk.staffing import notify, people, roster, staff
from gateway.faq.entries import Entry, read_folder
from gateway.faq.index import Index
from gateway.faq.suggest import Suggest
from gateway.follow_ups.fire import Firing
from gateway.follow_ups.follow import Follow
from gateway.incoming.echo import marks
from gateway.incoming.leaving import Leaving
from gateway.intake.intake import Intake
from gateway.links.proofs import Proofs
from gateway.notices import decide
from gateway.notices.acts import Announcing
from gateway.notices.draw import Drawing
from gateway.notices.text import Letters
from gateway.outgoing.acknowledge import Limits
from gateway.outgoing.answer import Writer
from gateway.outgoing.crowd import Crowd
from gateway.promises.word import Promising
from gateway.replies.saved import Replies
from gateway.surveys.asking import Surveys
from gateway.team.route import Routing
from gateway.words import Words, dates_of
from normalizer.message import Identity


def admission(
    config: Config, keys: Keys, promising: Promising | None = None, texts: Words | None = None
) -> Admission:
    """The rules, with everything that the configuration says to them."""
    channels = {settings.name: settings for settings in config.channels}
    limits = Limits(**config.acknowledge.limits.model_dump())
    modes = {settings.name: config.mode_of(settings) for settings in config.channels}
    promising = promising or promises(config)
    writer = _writer(config, channels, keys, promising, texts or words(config))
    return Admission(
        own=own(config),
        enabled=config.acknowledge.enabled,
        to_blind_copies=config.acknowledge.bcc,
        limits=limits,
        write_acknowledgement=writer,
        thanks=writer.thanks,
        listing=frozenset(s.name for s in config.channels if not s.limits.buttons),
        intake=asked(config) if config.ask else None,
        question=writer.question,
        check=keys.check,
        watching=frozenset(name for name, mode in modes.items() if mode == "watch"),
        drafting=frozenset(name for name, mode in modes.items() if mode == "approve"),
        at_most=config.gateway.mode,
        watches=watches(config),
        watched=_crowd(limits),
        follow=follow(config, promising) if config.rules() else None,
        crowd=_crowd(limits),
        marks=marks(writer.words),
        colleagues=Colleagues(desk(config, keys), people(config)),
        notify=notify(config, channels, keys),
        routing=routing(config) if config.route else None,
        proofs=proofs(config, writer.words, keys) if config.acknowledge.offer else None,
        alarms=alarms(config, keys),
        leaving=leaving(config, writer, keys),
    )


def leaving(config: Config, writer: Writer, keys: Keys) -> Leaving | None:
    """What an opt-out by itself becomes, where promotions can be sent from here.

    Where they cannot, it is about somebody else's: a person has to see to it.
    """
    said = config.acknowledge
    if not (config.notices.sender and config.notices.sender_address):
        return None
    return Leaving(
        confirm=writer.left,
        check=keys.check,
        own=own(config),
        limits=Limits(**said.limits.model_dump()),
        enabled=said.enabled,
        to_blind_copies=said.bcc,
        modes={settings.name: config.mode_of(settings) for settings in config.channels},
    )


def alarms(config: Config, keys: Keys) -> Alarms:
    """What a person should look at, with whom it is told to."""
    letters = admin(config, keys)
    return Alarms(letters) if letters else Alarms()


def admin(config: Config, keys: Keys) -> AdminLetters | None:
    """Who writes letters of alarms; None where nobody wants any."""
    told = config.alarms
    able = [one for one in config.channels if one.reaches == "email"]
    if not (told.notify and able):
        return None
    able.sort(key=lambda one: one.name != told.channel)
    zone = ZoneInfo(config.gateway.timezone)
    to = tuple(dict.fromkeys(told.notify))
    return AdminLetters(to, config.gateway.name, config.gateway.language, zone, tuple(able), keys)


def posts(config: Config, clock: Callable[[], datetime]) -> Posts | None:
    """Who posts alarms; None where nobody is named."""
    told = config.alarms
    if not told.url:
        return None
    us = config.gateway
    return Posts(told.url, told.key, us.name, us.language, ZoneInfo(us.timezone), clock)


def watches(config: Config) -> bool:
    """Whether anything that we would say is only kept to be looked at."""
    on = (config.mode_of(settings) for settings in config.channels)
    return "watch" in (*on, *(rule.mode for rule in config.route))


def _crowd(limits: Limits) -> Crowd:
    return Crowd(limits.same_words_week, limits.similar_week, limits.newcomers_domain_hour)


def proofs(config: Config, words: Words, keys: Keys) -> Proofs:
    """By which codes customers of one channel show that they are those of another."""
    channels = {settings.name: settings for settings in config.channels}
    return Proofs(
        offered=tuple(channels[name] for name in config.acknowledge.offer),
        channels=channels,
        name=config.gateway.name,
        zone=ZoneInfo(config.gateway.timezone),
        language=config.gateway.language,
        words=words,
        keys=keys,
        modes={settings.name: config.mode_of(settings) for settings in config.channels},
        at_most=config.gateway.mode,
    )


def asked(config: Config) -> Intake:
    """What is asked in new cases."""
    stepwise = frozenset(one.name for one in config.channels if one.form == "short")
    return Intake(tuple(one.asks() for one in config.ask), stepwise)


def routing(config: Config) -> Routing:
    """What is done with new cases."""
    routes = tuple(rule.route() for rule in config.route)
    return Routing(routes, config.calendars_(), config.gateway.mode)


def desk(config: Config, keys: Keys) -> Desk:
    """From where people speak."""
    return Desk(
        {settings.name: settings for settings in config.channels}, own(config), keys, follow(config),
        {one.name.lower(): one.address.lower() for one in config.staff},
    )  # fmt: skip


def handing(config: Config, admitted: Admission) -> Handing:
    """Who is told that a case has another owner; colleagues get no more mails for it in an hour."""
    followed = admitted.follow or follow(config)
    return Handing(followed, roster(config), admitted.notify, admitted.alarms)


def replies(config: Config) -> Replies:
    """The saved replies; WordsError where one cannot be used."""
    dates = dates_of(config.acknowledge.templates)
    return Replies(config.replies.folder, config.gateway.language, dates)


def promises(config: Config) -> Promising:
    """By when we say that we answer; nothing is learned so far."""
    return Promising(config.calendars_(), config.acknowledge.reply_within)


def follow(config: Config, promising: Promising | None = None) -> Follow:
    """What a word or a status does to follow-ups."""
    untold = frozenset(config.notices.not_tags)
    return Follow(config.rules(), promising or promises(config), untold)


def announcing(config: Config, keys: Keys, texts: Words | None = None) -> Announcing:
    """How notices that people start reach each customer."""
    rules = decide.Rules(
        channels={settings.name: settings for settings in config.channels},
        own=own(config) | staff(config),
        modes={settings.name: config.mode_of(settings) for settings in config.channels},
        at_most=config.gateway.mode,
        per_conversation_day=config.acknowledge.limits.per_conversation_day,
    )
    letters = Letters(
        words=texts or words(config),
        keys=keys,
        name=config.gateway.name,
        sender=config.notices.sender,
        sender_address=config.notices.sender_address,
        public_url=config.http.public_url,
    )
    drawing = Drawing(rules, letters, config.gateway.language)
    return Announcing(drawing, config.notices.per_minute)


def words(config: Config) -> Words:
    """What customers read, everywhere and on channels with their own; WordsError says what is wrong."""
    own = {settings.name: settings.wording for settings in config.channels if settings.wording}
    return Words(config.acknowledge.templates, config.gateway.language, own)


def own(config: Config) -> frozenset[Identity]:
    """All our own identities."""
    return frozenset(identity for settings in config.channels for identity in settings.own())


def _writer(
    config: Config, channels: Mapping[str, Settings], keys: Keys, promising: Promising, texts: Words
) -> Writer:
    said = config.acknowledge
    return Writer(
        name=config.gateway.name,
        language=config.gateway.language,
        channels=channels,
        words=texts,
        promising=promising,
        phone=said.phone,
        phone_hours=said.phone_hours,
        keys=keys,
        suggest=suggest(config, keys),
    )


def suggest(config: Config, keys: Keys) -> Suggest | None:
    """What an acknowledgement may name; FaqError where the folder cannot be used."""
    entries = faq(config)
    return Suggest(Index(entries), keys, config.http.public_url) if entries else None


def faq(config: Config) -> tuple[Entry, ...]:
    """The entries of the FAQ folder, if there is one."""
    return read_folder(config.faq.folder) if config.faq.folder else ()


def surveys(config: Config, keys: Keys) -> Surveys:
    """How customers are asked how we did."""
    said = config.survey
    return Surveys(keys, config.http.public_url, said.recent.span, said.window.span)


def firing(
    config: Config, keys: Keys, promising: Promising | None = None, texts: Words | None = None
) -> Firing:
    """What a due follow-up says, with everything that the configuration says to it."""
    said = config.acknowledge
    return Firing(
        follow=follow(config, promising),
        name=config.gateway.name,
        language=config.gateway.language,
        channels={settings.name: settings for settings in config.channels},
        modes={settings.name: config.mode_of(settings) for settings in config.channels},
        words=texts or words(config),
        keys=keys,
        surveys=surveys(config, keys),
        per_conversation_day=said.limits.per_conversation_day,
        phone=said.phone,
        phone_hours=said.phone_hours,
        at_most=config.gateway.mode,
        roster=roster(config),
        watches=watches(config),
    )
