"""Pure: how customers are asked how we did: by buttons, by a link, and not too late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gateway.authenticate import Keys
from gateway.surveys.scale import scale_of
from normalizer.message import Button
from store import rows
from store.rows import instant

LINK: Final = "\nvote"  # what a link's token is signed for, where others have an address


@dataclass(frozen=True, slots=True)
class Surveys:
    """Nobody is asked whose last word is older than `recent`; answers count within `window`.

    Without a `public_url` there is no page, and so no link to it.
    """

    keys: Keys
    public_url: str
    recent: timedelta
    window: timedelta

    def too_late(self, heard_at: str, now: datetime, window: timedelta | None) -> str:
        """Why somebody is not asked any more; "" while it is fresh in mind.

        `window` is how long after a customer's word a platform lets us write by ourselves.
        """
        if window is not None and heard_at <= instant(now - window):
            return "the channel's window is closed"
        is_old = heard_at < instant(now - self.recent)
        return "too long ago to ask how we did" if is_old else ""

    def link(self, case_id: int, message_id: int) -> str:
        """The page of one survey, which nobody can guess."""
        if not self.public_url:
            return ""
        return f"{self.public_url}/v/{self.keys.token(case_id, message_id, LINK)}"

    def row(self, asks: rows.Message, template: str, now: datetime) -> rows.Survey:
        """What is asked, beside the message that asks it."""
        assert asks.case_id is not None
        scale, closes = scale_of(template).name, instant(now + self.window)
        return rows.Survey(asks.id, asks.case_id, scale, instant(now), closes)


def buttons(template: str) -> tuple[Button, ...]:
    """One for each score."""
    return tuple(Button(str(score), f"vote:{score}") for score in scale_of(template).scores)
