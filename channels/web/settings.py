"""What the table of a channel `web` may say."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from channels.limits import Limits
from channels.messenger import CalledSettings
from channels.quantities import Octets, Seconds

BITS = 15  # of a proof of work that nobody has measured: well under a second on a telephone
_VISITOR = re.compile(r"[0-9a-f]{32}")
_DOMAIN = re.compile(r"(?:[a-z0-9-]+\.)+[a-z0-9-]+")

Count = Annotated[int, Field(ge=0)]


class WebSettings(CalledSettings):
    """A contact form and a chat on your own pages: docs/web.md."""

    origins: tuple[str, ...] = Field(
        (),
        description="The sites whose pages may hold the form and the chat, exactly as a browser"
        " names them. Our own page at `/in/NAME` always may.",
        examples=['origins = ["https://shop.example"]'],
    )
    thanks: str = Field(
        "",
        description="Where the form leads to once it is stored; `?reference=…` is added. Unset:"
        " a page of ours with the reference, on which the answer appears.",
    )
    mail_domain: str = Field(
        "",
        description="The domain of our mail, which customers are asked to let through (受信設定).",
        examples=['mail_domain = "example.com"'],
    )
    max_size: Octets = Field(
        default=12 * 2**20, description="The largest message that is taken, photos included."
    )
    max_files: Annotated[int, Field(ge=0, le=20)] = Field(
        5, description="How many photos or PDFs one message may bring; 0 takes none."
    )
    honeypot: str = Field(
        "leave_empty",
        description="A field of the form that people do not see: who fills it in is a robot.",
    )
    fill_time: Seconds = Field(
        default=2, description="Nobody fills in a form faster, where we know when it was opened."
    )
    proof_of_work: bool | Annotated[int, Field(ge=1, le=24)] = Field(
        False,
        description="Let a browser compute a little before somebody's first message, so that"
        f" thousands cost something: `true`, or how many bits ({BITS}). The form needs our script.",
    )
    away: Seconds = Field(
        default=3 * 86400,
        description="Who has neither written nor looked for so long is away: an answer then goes by"
        ' the customer\'s next way, where there is one ("3 days"). It stays on the page, too.',
    )
    page: str = Field(
        "",
        description="A page with the chat, where customers of other channels are invited to go on.",
        examples=['page = "https://shop.example/contact"'],
    )
    per_peer: Count = Field(
        20, description="Messages from one network address in a minute; 0 means no limit."
    )
    per_visitor: Count = Field(20, description="Messages of one visitor in a minute.")
    per_minute: Count = Field(300, description="Messages of everybody in a minute.")

    @field_validator("origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            if one != origin_of(one):
                raise ValueError(f'"{one}" must be an origin such as "https://shop.example"')
        return value

    @field_validator("thanks", "page")
    @classmethod
    def _is_a_page(cls, value: str) -> str:
        if value and not origin_of(value):
            raise ValueError("say an address, such as https://shop.example/contact")
        return value

    @field_validator("mail_domain")
    @classmethod
    def _is_a_domain(cls, value: str) -> str:
        if value and not _DOMAIN.fullmatch(value):
            raise ValueError("say a domain alone, such as example.com")
        return value

    @property
    def bits(self) -> int:
        """Of the proof of work; 0 asks for none."""
        return BITS if self.proof_of_work is True else int(self.proof_of_work)

    @property
    def limits(self) -> Limits:
        """A page has room; and nobody is sought there who has been away."""
        away = timedelta(seconds=self.away)
        return Limits(
            buttons=10, label=200, links=True, media=("*",), in_order=True, window=away
        )  # fmt: skip

    @property
    def title(self) -> str:
        return "Chat"

    def invites(self, code: str) -> str:
        return f"{self.page.partition('#')[0]}#madoguchi={code}" if self.page else ""

    def refuses(self, address: str) -> str:
        is_one = _VISITOR.fullmatch(address)
        return "" if is_one else "A visitor of our pages is a number, as it wrote to us."


def origin_of(address: str) -> str:
    """The origin of an address of the web, as a browser writes it; "" for anything else."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in (None, usual) else "")
