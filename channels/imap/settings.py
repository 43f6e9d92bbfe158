"""What config.toml may say about a mailbox that is read over IMAP."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import Field, field_validator, model_validator

from channels.mail import MailSettings
from channels.quantities import Seconds

INBOX = "INBOX"
_MOVE = "move:"


class ImapSettings(MailSettings):
    """A mailbox: where it is, which of its folders are read, and what becomes of its mails."""

    host: str = Field(
        min_length=1,
        description="The IMAP server's name.",
        examples=['host = "imap.example.com"'],
    )
    port: int = Field(default=993, gt=0, le=65535, description="Its port.")
    username: str = Field(
        min_length=1,
        description="Whose mailbox it is, as the server wants it; often the whole address.",
        examples=['username = "support@example.com"'],
    )
    password: str = Field(default="", repr=False, description="For `username`.")
    send_password: str = Field(
        default="",
        repr=False,
        description="For the user in `send`; empty: the same as `password`.",
    )
    tls: Literal["implicit", "starttls", "none"] = Field(
        default="implicit",
        description='"implicit": encrypted from the first octet (port 993); "starttls": '
        'encryption is demanded before the log-in (port 143); "none": the password travels in '
        "the clear. A certificate that does not hold ends the connection.",
    )
    folders: tuple[str, ...] = Field(
        default=(INBOX,),
        min_length=1,
        description="The folders that are read. The first is watched: its new mails come at once, "
        "those of the others within `poll`.",
    )
    sent: str = Field(
        default="Sent",
        description="The folder with what your people sent from their own mail programs; it is "
        "read, too. If there is none of this name, the one that the server marks as Sent. Empty: "
        "it is not read.",
    )
    keep_sent: bool = Field(
        default=False,
        description="Put a copy of each reply that a person wrote here into the Sent folder. "
        "Providers such as Gmail and Microsoft 365 do so by themselves.",
    )
    poll: Seconds = Field(
        default=60, description='How often every folder is looked at ("1 minute").'
    )
    idle: Seconds = Field(
        default=540,
        description="After so long without a word from the server, the connection is tried; a "
        'dead one is noticed then ("9 minutes"). `poll`, if shorter, comes first.',
    )
    timeout: Seconds = Field(
        default=60, description='How long the server may take to answer ("1 minute").'
    )
    since: date | None = Field(
        default=None,
        description="Leave alone what came into the mailbox before this day, such as 2026-01-31. "
        "Unset: everything is read.",
    )
    afterwards: str = Field(
        default="leave",
        description="What happens to a mail once it is stored: `leave` it as it is, `seen` marks "
        "it as read, `flag` flags it, `move:FOLDER` moves it. Mails of before us stay as they are. "
        "What has been read is remembered here, whatever you do in the mailbox.",
    )

    @field_validator("host", "username", "password", "send_password", "sent", "afterwards")
    @classmethod
    def _is_one_line(cls, value: str) -> str:
        return _one_line(value)

    @field_validator("folders")
    @classmethod
    def _are_folders(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        named = tuple(INBOX if name.upper() == INBOX else _one_line(name) for name in value)
        if not all(named) or len(set(named)) < len(named):
            raise ValueError("each folder needs a name, and stands once")
        return named

    @field_validator("afterwards")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in {"leave", "seen", "flag"} and not value.removeprefix(_MOVE) != value:
            raise ValueError('say "leave", "seen", "flag" or "move:FOLDER"')
        if value == _MOVE:
            raise ValueError('"move:" needs a folder, such as "move:Done"')
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> ImapSettings:
        if self.tls != "implicit" and self.port == 993:
            raise ValueError(
                f'port 993 is for tls = "implicit"; "{self.tls}" usually has port = 143'
            )
        if self.move_to and self.move_to in (*self.folders, self.sent):
            raise ValueError(f"afterwards moves mails to {self.move_to}, which is read itself")
        if self.sent in self.folders:
            raise ValueError(f"{self.sent} cannot be in folders and be the Sent folder, too")
        return self

    @property
    def login_hint(self) -> str:
        return self.username

    @property
    def move_to(self) -> str:
        """The folder that mails are moved to; "" if they stay."""
        return self.afterwards.removeprefix(_MOVE) if self.afterwards.startswith(_MOVE) else ""

    @property
    def place(self) -> str:
        """Which mailbox this is."""
        return f"{self.username.lower()} on {self.host.lower()}"

    @property
    def rest(self) -> float:
        """Seconds to wait for news before we ask again."""
        return min(self.poll, self.idle)


def _one_line(value: str) -> str:
    """CR or LF would end our command and begin another (CVE-2025-15366); NUL is no character."""
    if any(c in "\r\n\0" for c in value):
        raise ValueError("must not hold a line end or NUL")
    return value
