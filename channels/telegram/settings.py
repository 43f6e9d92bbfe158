"""The settings of a Telegram bot."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Literal

from pydantic import Field, model_validator

from channels import base
from channels.limits import Limits
from channels.messenger import Address, CalledSettings, MaybePublic
from normalizer.message import Identity


class TelegramSettings(CalledSettings):
    """A bot of Telegram: customers write to it in private chats."""

    token: str = Field(
        pattern=r"^[0-9]+:[A-Za-z0-9_-]+$",
        repr=False,
        description="The bot's token, as @BotFather gave it.",
        examples=['token = { env = "TELEGRAM_TOKEN" }'],
    )
    api: Address = Field("https://api.telegram.org", description="The server of the Bot API.")
    mode: Literal["poll", "webhook", "live", "approve", "watch"] = Field(  # type: ignore[assignment]  # wider than the common key
        "poll",
        description='How updates come: "poll" asks for them, "webhook" is called at `public_url`;'
        ' both speak as "live" does. With "live", "approve" or "watch" they come by webhook where'
        " `public_url` is set.",
    )
    public_url: MaybePublic = Field(
        "",
        description="Where Telegram reaches this daemon's HTTP from outside, without `/in/NAME`.",
        examples=['public_url = "https://desk.example.com"'],
    )

    username: str = Field(
        "",
        pattern=r"^@?[A-Za-z0-9_]*$",
        description="The bot's name, by which customers of other channels are invited.",
        examples=['username = "@example_bot"'],
    )

    @model_validator(mode="after")
    def _can_work(self) -> TelegramSettings:
        if self.mode == "webhook" and not self.public_url:
            raise ValueError('mode = "webhook" needs public_url, which Telegram calls')
        if find_spec("aiogram") is None:
            raise ValueError("Telegram needs one more package: pip install 'madoguchi[telegram]'")
        return self

    def own(self) -> frozenset[Identity]:
        """The bot itself: a token begins with the bot's number."""
        return frozenset({Identity("telegram", self.token.partition(":")[0])})

    @property
    def speaks(self) -> base.Mode:
        match self.mode:
            case "approve" | "watch" as stricter:
                return stricter
        return "live"

    @property
    def hook(self) -> str:
        """Where Telegram shall call us; "" where we ask."""
        if self.mode == "poll" or not self.public_url:
            return ""
        return f"{self.public_url}/in/{self.name}"

    @property
    def limits(self) -> Limits:
        """Of sendMessage, sendDocument and InlineKeyboardMarkup (Bot API)."""
        return Limits(
            text=4096, unit="utf-16", buttons=100, label=64, links=True, media=("*",),
            media_size=50_000_000, apart=True, in_order=True,
        )  # fmt: skip

    def invites(self, code: str) -> str:
        name = self.username.removeprefix("@")
        return f"https://t.me/{name}?start={code}" if name else ""

    def refuses(self, address: str) -> str:
        is_number = address.isascii() and address.isdigit()
        return "" if is_number else "A customer of Telegram is a number, as it wrote to us."
