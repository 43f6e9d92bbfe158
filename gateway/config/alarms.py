"""`[alarms]`: whom of us alarms reach, and how."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from channels.standard_webhooks import Secret, key_of
from gateway.config.errors import Finding, any_of
from gateway.config.types import Mailbox, Table


class Alarms(Table):
    """Who is told when somebody should look; see docs/operations.md."""

    notify: tuple[Mailbox, ...] = Field(
        (),
        description="Who gets a mail: at most one an hour for each kind of alarm, and one when it is"
        " over. Addresses that no channel has.",
        examples=['notify = ["admin@example.com"]'],
    )
    channel: str = Field(
        "",
        description="The channel that sends these mails. Unset: the first that sends mail.",
        examples=['channel = "mail"'],
    )
    url: str = Field(
        "",
        description="Where each alarm is posted, too, at once and past the store and the outbox: for"
        " when mail itself is what fails. Redirects are not followed.",
        examples=['url = "https://pager.example/madoguchi"'],
    )
    secret: Secret = Field(
        "",
        repr=False,
        description="Signs those posts (Standard Webhooks): `whsec_` and base64, as of "
        "`echo whsec_$(openssl rand -base64 32)`.",
    )

    @field_validator("url")
    @classmethod
    def _is_a_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError(f'"{value}" must be an address such as "https://pager.example/hook"')
        return value

    @property
    def key(self) -> bytes:
        """What signs the posts."""
        return key_of(self.secret)


def _untagged(address: str) -> str:
    """Without its plus tag, for such addresses of ours come in too."""
    local, at, domain = address.rpartition("@")
    return f"{local.partition('+')[0]}{at}{domain}"


def check(alarms: Any, channels: Mapping[int, Mapping[str, Any]]) -> Iterator[Finding]:
    """Mail to the admin needs a channel that sends it, and must not come in again."""
    if not isinstance(alarms, dict):
        return
    sending = [str(table.get("name")) for table in channels.values() if "send" in table]
    notify = alarms.get("notify")
    if notify and not sending:
        said = "needs a channel that sends mail; add one with addresses and send"
        yield Finding(("alarms", "notify"), said)
    ours = {
        str(address).lower(): index
        for index, table in channels.items()
        if isinstance(listed := table.get("addresses"), list)
        for address in listed
    }
    for place, address in enumerate(notify if isinstance(notify, list) else ()):
        if (index := ours.get(_untagged(str(address).lower()))) is not None:
            said = f"{address} belongs to channel[{index}], and would come in again; give another"
            yield Finding(("alarms", "notify", place), said)
    if alarms.get("url") and not alarms.get("secret"):
        said = 'is missing; it signs what is posted to url: secret = { env = "ALARM_SECRET" }'
        yield Finding(("alarms", "secret"), said)
    name = alarms.get("channel")
    if isinstance(name, str) and name and name not in sending:
        possible = f"possible: {any_of(sending)}" if sending else "add one with addresses and send"
        yield Finding(("alarms", "channel"), f'no channel "{name}" sends mail; {possible}')
