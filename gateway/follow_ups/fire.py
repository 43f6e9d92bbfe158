"""The firing of a follow-up: what a due row becomes, as long as its reason still holds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple, cast
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Connection

from channels.base import Settings
from gateway.authenticate import Keys
from gateway.follow_ups import handover, meant, renewal
from gateway.follow_ups.follow import HANDED_OVER, Follow, began, is_unread, nth_of
from gateway.follow_ups.holds import OWED, as_if, held_back, is_over, reason
from gateway.follow_ups.spacing import QUIET, spaced
from gateway.outgoing.acknowledge import budget_of
from gateway.outgoing.letter import (
    Letter,
    Why,
    chain,
    kind_of,
    message_row,
    outbox_row,
    say,
    usable,
)
from gateway.record import event_row
from gateway.surveys.asking import Surveys
from gateway.surveys.asking import buttons as score_buttons
from gateway.surveys.scale import is_survey
from gateway.team.calendars import quiet_until
from gateway.team.reached import colleague
from gateway.team.roster import Roster
from gateway.team.route import Mode, stricter
from gateway.words import FollowUpFacts, Words
from gateway.words.buttons import below
from gateway.words.dates import as_said
from normalizer.message import Identity, Kind
from scheduler.rules import PROMISED, TOLD, UPDATE, Rule
from store import due, rows
from store.cases import Heard, Standing, standing
from store.due import Due, End
from store.known import Changes
from store.rows import instant, moment

log = structlog.get_logger()

_REMINDER = "reminder"  # the template that tells one of us
_ROBOT = "automatic"  # the tag of a case that a robot opened
_NOBODY_S = "form"  # identities that are a From with a Reply-To elsewhere
_NOTICE = "notice"  # the template of a notice


class Waits(NamedTuple):
    """It fires later: why, and when it is looked at again."""

    reason: str
    until: datetime


class Moot(NamedTuple):
    """It need not, or must not, fire: why."""

    reason: str


class Kept(NamedTuple):
    """It would have been said, and is kept to be looked at: how the case would stand then."""

    reason: str
    here: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """Fires due rows; everything in it comes from the configuration.

    `modes` says by channel how freely we speak there; `watches`: somewhere we only keep what we
    would say.
    """

    follow: Follow
    name: str
    language: str
    channels: Mapping[str, Settings]
    modes: Mapping[str, str]
    words: Words
    keys: Keys
    surveys: Surveys
    per_conversation_day: int
    phone: str = ""
    phone_hours: str = ""
    at_most: Mode = "live"
    roster: Roster = Roster()
    watches: bool = False

    def __call__(
        self, connection: Connection, changes: Changes, due_rows: Sequence[Due], now: datetime
    ) -> None:
        """Decide and write each row; one that our rules fall over does not hold up the others."""
        cases = {row.case_id for row in due_rows}
        found = standing(connection, cases, now, watches=self.watches)
        ends = []
        # Of two times that run out together the one that a person said is told.
        for row in sorted(due_rows, key=lambda row: not row.cause.startswith(UPDATE)):
            try:
                ends.append(self._end(row, found, changes, now))
            except Exception as error:
                log.exception("follow_up.not_fired", follow_up=row.id, case_id=row.case_id)
                ends.append(End(row.id, "skipped", f"an error of ours: {type(error).__name__}"))
        due.end(connection, list(spaced(connection, due_rows, ends, now)), now)

    def _end(self, row: Due, found: dict[int, Standing], changes: Changes, now: datetime) -> End:
        here = found[row.case_id]
        rule = next((rule for rule in self.follow.rules if rule.name == row.rule), None)
        if rule is None:
            return End(row.id, "cancelled", "the rule is gone")
        moot = self._is_over(rule, row, here.case) or renewal.is_moot(rule, row, here.case, now)
        if why := moot or meant.why_not(rule, here, self._language(here)):
            return End(row.id, "cancelled", why)
        outcome = self._act(rule, row, here, changes, now)
        if isinstance(outcome, Waits):
            return End(row.id, "pending", outcome.reason, instant(outcome.until))
        if isinstance(outcome, Moot | Kept):
            if isinstance(outcome, Kept):
                found[row.case_id] = outcome.here
            return End(row.id, "skipped", outcome.reason)
        found[row.case_id] = outcome
        event_row(
            changes, "follow_up.fired", here.case.conversation_id, instant(now),
            follow_up_id=row.id, rule=rule.name, case_id=here.case.id,
        )  # fmt: skip
        return End(row.id, "fired", "")

    def _is_over(self, rule: Rule, row: Due, case: rows.Case) -> str:
        if rule.name == HANDED_OVER:
            return handover.is_over(row.cause, case, self.roster)
        return is_over(rule, case)

    def _act(
        self, rule: Rule, row: Due, here: Standing, changes: Changes, now: datetime
    ) -> Standing | Waits | Moot | Kept:
        if rule.set_status:
            return self._set_status(rule, here, changes, now)
        if rule.notify:
            return self._notify(rule, row, here, changes, now)
        heard = here.heard
        if heard is None:
            return Moot("there is nobody to write to")
        mode = self._mode(here, heard.channel)
        if is_unread(row.cause) and mode != "watch":
            return Moot("nobody was sent the promise")
        if outcome := self._silence(rule, here, heard, mode, now):
            return outcome
        said = here
        if rule.when == UPDATE:
            said = here._replace(case=renewal.renewed(self.follow, here.case, now))
        self._say(rule, said, heard, mode, changes, now)
        if rule.when == PROMISED and not renewal.is_said(here.case, now):
            nth, unread = nth_of(row.cause) + 1, mode == "watch"
            self.follow.promised(here.case, now, changes, nth, unread=unread)
        if mode == "watch":
            return _kept(rule, here)
        if rule.when == UPDATE:
            renewal.write(self.follow, row, here.case, said.case, changes, now)
        return said._replace(automatic_today=here.automatic_today + 1)

    def _set_status(
        self, rule: Rule, here: Standing, changes: Changes, now: datetime
    ) -> Standing | Moot:
        if rule.set_status == "resolved" and here.case.unanswered_since:
            return Moot(OWED)
        case = here.case._replace(
            status=rule.set_status,
            resolved_at=instant(now) if rule.set_status == "resolved" else None,
        )
        changes.update("cases", case.id, status=case.status, resolved_at=case.resolved_at)
        self.follow.status_set(here.case.status, case, now, changes, f"the rule {rule.name}")
        event_row(
            changes, "case.changed", case.conversation_id, instant(now), case_id=case.id,
            by=f"follow_up:{rule.name}", before={"status": here.case.status},
            after={"status": case.status},
        )  # fmt: skip
        return here._replace(case=case)

    def _notify(
        self, rule: Rule, row: Due, here: Standing, changes: Changes, now: datetime
    ) -> Standing | Moot:
        """Tell people of ours; what they read is no word to the customer, and counts for no budget."""
        to = [colleague(address) for address in rule.notify]
        ways = [(one, way) for one in to if (way := self._way(one.kind, here.case.channel))]
        if not ways:
            return Moot("no channel of ours reaches anybody of them")
        promised = began(row.cause) if rule.when in (PROMISED, UPDATE) else None
        facts = self._facts(here, now, promised=promised)
        for one, channel in ways:
            text = self.words.follow_up(_REMINDER, facts, self.language, channel.form)
            letter = Letter(
                kind="note",
                to=one,
                text=text,
                language=self.language,
                case_id=here.case.id,
                conversation_id=here.case.conversation_id,
                customer_id=here.case.customer_id,
                identity_id=None,
                at=now,
            )
            told = message_row(changes.new_id(), letter, self.name, channel, self.keys)
            changes.add(told)
            changes.add(
                outbox_row(
                    changes.new_id(),
                    told,
                    at=now,
                    budget=("", ""),
                    authenticated=True,
                    counted=False,
                )
            )
        return here

    def _silence(
        self, rule: Rule, here: Standing, heard: Heard, mode: Mode, now: datetime
    ) -> Waits | Moot | None:
        """Why the customer shall not read this, or not now."""
        if heard.channel not in self.channels:
            return Moot(f"the channel {heard.channel} is gone")
        if why := held_back(rule, here, mode):
            return Moot(why)
        if Identity.parse(heard.address).kind == _NOBODY_S:
            return Moot("nobody vouches for the address that a form named")
        if _ROBOT in json.loads(here.case.tags):
            return Moot("a robot wrote this")
        if heard.failing_since:
            return Moot("mail to this address fails")
        if mode == "watch":
            here = as_if(here)
        if is_survey(rule.send) and (why := self._surveyed(here, heard, now)):
            return Moot(why)
        limit = self.per_conversation_day
        if limit and here.automatic_today >= limit:
            return Waits("the budget for this conversation today is spent", now + timedelta(days=1))
        times = self.follow.promising.calendars.of(here.case)
        if until := quiet_until(times.quiet, times.calendar.zone, now):
            return Waits(QUIET, until)
        return None

    def _surveyed(self, here: Standing, heard: Heard, now: datetime) -> str:
        """Why nobody asks how we did; "" where somebody may."""
        if here.case.unanswered_since:
            return OWED
        if here.surveyed:
            return "this case was surveyed before"
        window = self.channels[heard.channel].limits.window
        return self.surveys.too_late(heard.received_at, now, window)

    def _language(self, here: Standing) -> str:
        """In which language we write: the customer's, else the channel's, else our own."""
        heard = here.heard
        channel = self.channels.get(heard.channel if heard else here.case.channel)
        return (heard and heard.language) or (channel and channel.language) or self.language

    def _mode(self, here: Standing, channel: str) -> Mode:
        """A case's own word counts before its channel's, and the gateway's before both."""
        own = here.case.mode or self.modes.get(channel, self.at_most)
        return stricter(cast("Mode", own), self.at_most)

    def elsewhere(
        self, lost: rows.Message, fired: Sequence[Due], here: Standing, heard: Heard,
        changes: Changes, now: datetime,
    ) -> bool:  # fmt: skip
        """Say where `heard` came from what was said in vain, in that way's own words.

        Only as long as it is still true, and may be said now.
        """
        rules = {rule.name: rule for rule in self.follow.rules if rule.send}
        said = [(rules[row.rule], row) for row in fired if row.rule in rules]
        for rule, row in (one for one in said if _kind(one[0]) == lost.kind):
            mode = self._mode(here, heard.channel)
            silent = mode == "watch" or self._silence(rule, here, heard, mode, now)
            if not (self._is_over(rule, row, here.case) or silent):
                self._say(rule, here, heard, mode, changes, now, instead_of=lost.id)
                return True
        return False

    def _say(
        self, rule: Rule, here: Standing, heard: Heard, mode: Mode, changes: Changes,
        now: datetime, *, instead_of: int | None = None,
    ) -> None:  # fmt: skip
        settings = self.channels[heard.channel]
        known = json.loads(heard.author).get("authenticated", False)
        language = self._language(here)
        closes = meant.closes(self.follow.rules, here, language)
        promised = renewal.by_when(self.follow, rule, here.case, now)
        asks, id_ = is_survey(rule.send), changes.new_id()
        facts = self._facts(here, now, heard.subject, closes, promised, authenticated=known)
        facts = replace(facts, customer_name=heard.name)
        if asks:
            facts = replace(facts, vote_url=self.surveys.link(here.case.id, id_))
        if rule.name == HANDED_OVER:
            by = handover.promised(here, now)
            whom = self.roster.shown(here.case.owner, language)
            facts = replace(
                facts, promised_by=by and by.astimezone(facts.now.tzinfo), colleague=whom
            )
        letter = Letter(
            kind=_kind(rule),
            to=Identity.parse(heard.address),
            text=self.words.on(settings.name).follow_up(rule.send, facts, language, settings.form),
            language=language,
            case_id=here.case.id,
            conversation_id=here.case.conversation_id,
            customer_id=here.case.customer_id,
            identity_id=heard.identity_id,
            at=now,
            in_reply_to=usable(heard.message_id),
            references=_references(heard, authenticated=known),
            buttons=score_buttons(rule.send)
            if asks and settings.form == "short"
            else below(rule.send, language, settings.form),
            instead_of=instead_of,
            promised_by=_first(rule, facts),
        )
        message = message_row(id_, letter, self.name, settings, self.keys)
        why = Why(heard.message, rule.name, reason(rule))
        say(changes, message, mode, why, at=now, budget=budget_of(letter.to), authenticated=known)
        if asks and mode != "watch":
            changes.add(self.surveys.row(message, rule.send, now))

    def _facts(
        self,
        here: Standing,
        now: datetime,
        subject: str = "",
        closes: datetime | None = None,
        promised: datetime | None = None,
        *,
        authenticated: bool = False,
    ) -> FollowUpFacts:
        zone = self.follow.calendar(here.case).zone
        return FollowUpFacts(
            gateway_name=self.name,
            reference=here.case.reference,
            now=now.astimezone(zone),
            answered_at=_local(here.answered_at, zone),
            closes_at=closes.astimezone(zone) if closes and closes > now else None,
            promised_by=promised.astimezone(zone) if promised else None,
            subject=subject,
            waiting_for=here.case.waiting_for,
            phone=self.phone,
            phone_hours=self.phone_hours,
            authenticated=authenticated,
        )

    def _way(self, kind: str, name: str) -> Settings | None:
        """The case's own channel where it reaches such addresses, else the first that does."""
        ours = self.channels.get(name)
        able = [ours] if ours else []
        return next((s for s in (*able, *self.channels.values()) if kind_of(s) == kind), None)


def _kept(rule: Rule, here: Standing) -> Kept:
    asked = here.watched_survey or is_survey(rule.send)
    after = here._replace(watched_today=here.watched_today + 1, watched_survey=asked)
    return Kept(f"watching: {rule.send} would have been sent", after)


def _kind(rule: Rule) -> Kind:
    if is_survey(rule.send):
        return "survey"
    is_notice = rule.when in (UPDATE, TOLD) or rule.send == _NOTICE
    return "notice" if is_notice else "follow_up"


def _first(rule: Rule, facts: FollowUpFacts) -> datetime | None:
    """By when a person first answers, as the customer reads it."""
    by = facts.promised_by if rule.when == PROMISED else None
    return as_said(by) if by else None


def _references(heard: Heard, *, authenticated: bool) -> tuple[str, ...]:
    """RFC 5322 section 3.6.4; a stranger's own Message-ID at most, as in acknowledgements."""
    earlier = json.loads(heard.references) if authenticated else ()
    return chain(filter(usable, earlier), usable(heard.message_id))


def _local(written: str | None, zone: ZoneInfo) -> datetime | None:
    return moment(written).astimezone(zone) if written else None
