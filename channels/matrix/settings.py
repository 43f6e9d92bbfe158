"""What config.toml may say about an account on a Matrix homeserver."""

from __future__ import annotations

import re
from importlib.util import find_spec

from pydantic import Field, field_validator, model_validator

from channels.encrypted import checked
from channels.limits import Limits
from channels.messenger import MessengerSettings, Word
from channels.quantities import Octets
from normalizer.message import Identity

# Matrix, appendix "User identifiers": 255 octets at most, and old accounts may hold anything.
_USER = re.compile(r"@[!-9;-~]{0,250}:[A-Za-z0-9.:\[\]-]{1,250}")
USER_MOST = 255


class MatrixSettings(MessengerSettings):
    """An account of Matrix: customers write to it in chats with nobody else in them."""

    homeserver: str = Field(
        description="The homeserver of the account, as its own discovery tells it.",
        examples=['homeserver = "https://matrix.example.org"'],
    )
    user: str = Field(
        description="The account, in full.", examples=['user = "@support:example.org"']
    )
    access_token: Word = Field(
        min_length=1,
        repr=False,
        description="An access token of the account, from a log-in that nobody else uses.",
        examples=['access_token = { env = "MATRIX_TOKEN" }'],
    )
    accept_invites: bool = Field(
        default=True,
        description="Join chats that customers open with us. Groups are refused in any case.",
    )
    max_file: Octets = Field(
        default=50 * 2**20, description="The largest picture or file that is fetched."
    )

    @field_validator("homeserver")
    @classmethod
    def _is_protected(cls, value: str) -> str:
        return checked(value, "https://matrix.example.org")

    @field_validator("user")
    @classmethod
    def _is_a_user(cls, value: str) -> str:
        if not is_user(value):
            raise ValueError(f'must be an account such as "@support:example.org", not "{value}"')
        return value

    @model_validator(mode="after")
    def _can_work(self) -> MatrixSettings:
        if find_spec("nio") is None:
            raise ValueError("Matrix needs one more package: pip install 'madoguchi[matrix]'")
        return self

    def own(self) -> frozenset[Identity]:
        return frozenset({Identity("matrix", self.user)})

    @property
    def limits(self) -> Limits:
        """Of an event, which has at most 65,536 octets with all that stands around its text."""
        return Limits(text=40_000, unit="octets", media=("*",), apart=True, in_order=True)

    @property
    def reaches(self) -> str:
        """We can open a chat with anybody, who may decline it."""
        return "matrix"

    def refuses(self, address: str) -> str:
        return "" if is_user(address) else "That is no Matrix account such as @yuki:example.org."


def is_user(text: str) -> bool:
    return len(text) <= USER_MOST and _USER.fullmatch(text) is not None
