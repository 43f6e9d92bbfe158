"""What Twilio took in and could not bring: its webhook is tried once, or a few times at most."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from channels.base import Past, Rejected
from channels.notes import Notes
from channels.recent import Recent
from channels.sms.api import TwilioApi
from channels.sms.call import SID

_SINCE, _LOOKED = "since", "looked"
_MARGIN = timedelta(minutes=10)  # a message may be listed later than it was sent
_BROUGHT = 10_000  # messages that we remember to have been brought
_LISTED = timedelta(days=30)

Take = Callable[[bytes, str, datetime], Awaitable[object]]


class Found(NamedTuple):
    """A message in Twilio's list, as Twilio describes it."""

    sid: str
    at: datetime
    facts: Mapping[str, Any]


class Missed:
    """Looks through Twilio's list from time to time; the ledger knows what is there already.

    What was there before our first look is not ours to take.
    """

    def __init__(self, api: TwilioApi, past: Past, clock: Callable[[], datetime]) -> None:
        self._api, self._past, self._clock = api, Notes(past), clock
        self._brought: Recent[str, None] = Recent(_BROUGHT)

    def brought(self, sid: str) -> None:
        """One that need not be looked at again."""
        self._brought[sid] = None

    async def look(self, take: Take) -> None:
        """Take in what came since the last look. Raises DeliveryError and Unavailable."""
        now, first, looked = self._clock(), await self._at(_SINCE), await self._at(_LOOKED)
        if first is None:
            await self._past.note(_SINCE, (await self._begin(now)).isoformat())
        else:
            for one in await self._since(max(first, (looked or first) - _MARGIN)):
                if one.sid not in self._brought:
                    await take(await self._form(one), one.sid, min(one.at, now))
                    self.brought(one.sid)
        await self._past.note(_LOOKED, now.isoformat())

    async def _begin(self, now: datetime) -> datetime:
        """How late it is at Twilio, by whose clock its list is kept; ours may be ahead."""
        answer = await self._api.account()  # whether Twilio knows us is to be seen at once, too
        return min(_sent(answer.headers.get("date", "")) or now, now)

    async def _at(self, name: str) -> datetime | None:
        noted = await self._past.recall(name)
        return datetime.fromisoformat(noted) if noted else None

    async def listing(self) -> frozenset[str]:
        """What should be in the ledger by now, of the last weeks. Raises as `look` does."""
        now, first = self._clock(), await self._at(_SINCE)
        if first is None:
            return frozenset()
        begin = max(first, now - _LISTED)
        listed = await self._since(begin)
        return frozenset(one.sid for one in listed if one.at < now - 2 * _MARGIN)

    async def _since(self, begin: datetime) -> list[Found]:
        """The oldest first, as it was said. Twilio tells whole seconds, so we ask for whole ones."""
        begin = begin.replace(microsecond=0)
        listed: list[Found] = []
        async for page in self._api.messages(begin.date()):
            ours = (_found(facts) for facts in page if self._api.is_ours(facts))
            listed += [one for one in ours if one and one.at >= begin]
            if _is_over(page, begin):
                break
        return sorted(listed, key=lambda one: (one.at, one.sid))

    async def _form(self, one: Found) -> bytes:
        """The same fields as the webhook has, as far as the list tells them."""
        names = {"From": "from", "To": "to", "Body": "body", "AccountSid": "account_sid"}
        said = {field: str(one.facts.get(name) or "") for field, name in names.items()}
        files = await self._files(one)
        for number, (url, kind) in enumerate(files):
            said |= {f"MediaUrl{number}": url, f"MediaContentType{number}": kind}
        more = {"MessageSid": one.sid, "SmsStatus": "received", "NumMedia": str(len(files))}
        return urlencode(said | more, errors="replace").encode()

    async def _files(self, one: Found) -> list[tuple[str, str]]:
        """What came with it; somebody may have deleted it since, which keeps no other waiting."""
        if one.facts.get("num_media", "0") == "0":
            return []
        try:
            return await self._api.files(one.sid)
        except Rejected:
            return []


def _is_over(page: list[Mapping[str, Any]], begin: datetime) -> bool:
    """Whether a page, and so what follows it, lies well before a time."""
    told = [at for facts in page if (at := _sent(str(facts.get("date_sent"))))]
    return bool(told) and max(told) < begin - _MARGIN


def _found(facts: Mapping[str, Any]) -> Found | None:
    """None for what we sent, and for what is no message."""
    sid, at = str(facts.get("sid")), _sent(str(facts.get("date_sent")))
    is_message = facts.get("direction") == "inbound" and SID.fullmatch(sid)
    return Found(sid, at, facts) if is_message and at else None


def _sent(text: str) -> datetime | None:
    """RFC 5322's date, as Twilio writes it."""
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return at if at.tzinfo else None
