"""What config.toml may say about an app in a Slack workspace."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from channels.encrypted import checked
from channels.limits import Limits
from channels.messenger import CalledSettings
from channels.quantities import Octets

TEXT = 3000  # characters of a text object
_PERSON = re.compile(r"[TE][A-Z0-9]{1,30}/[UW][A-Z0-9]{1,30}")


class SlackSettings(CalledSettings):
    """An app in one workspace: people write to it directly, or mention it in a channel."""

    bot_token: str = Field(
        pattern=r"^xoxb-[A-Za-z0-9-]+$",
        repr=False,
        description="The bot user's token, under OAuth & Permissions.",
        examples=['bot_token = { env = "SLACK_TOKEN" }'],
    )
    signing_secret: str = Field(
        pattern=r"^[!-~]{8,}$",
        repr=False,
        description="The signing secret, under Basic Information. By it we know that a call comes "
        "from Slack.",
    )
    api: str = Field(default="https://slack.com/api", description="Where Slack's Web API is.")
    files: str = Field(
        default="https://files.slack.com",
        description="Where Slack keeps files; the token is shown to no other place.",
    )
    names: bool = Field(
        default=True,
        description="Ask Slack what people call themselves, once each. Needs the scope users:read.",
    )
    max_file: Octets = Field(
        default=50 * 2**20, description="The largest picture or file that is fetched."
    )

    @field_validator("api", "files")
    @classmethod
    def _is_protected(cls, value: str) -> str:
        return checked(value, "https://slack.com/api")

    @property
    def limits(self) -> Limits:
        """Of chat.postMessage and Block Kit, where 3,000 characters may stand above buttons."""
        return Limits(
            text=TEXT, buttons=25, label=75, links=True, media=("*",), media_size=10**9,
            apart=True, threads=True, in_order=True,
        )  # fmt: skip

    @property
    def reaches(self) -> str:
        """Anybody in the workspace can be written to directly."""
        return "slack"

    def refuses(self, address: str) -> str:
        is_person = _PERSON.fullmatch(address)
        return "" if is_person else "A customer of Slack is a workspace and a user: T0123/U0456."
