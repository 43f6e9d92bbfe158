"""Which model reads which table of config.toml, and what each key means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from channels import base
from gateway.config.channels import settings_of
from gateway.config.lines import KeyPath
from gateway.config.models import Config


class Key(NamedTuple):
    """One key of a table: how it is written, and the field that it fills."""

    name: str
    field: FieldInfo

    @property
    def is_secret(self) -> bool:
        """A field that is not shown is a secret."""
        return self.field.repr is False

    @property
    def is_path(self) -> bool:
        return Path in (self.field.annotation, *get_args(self.field.annotation))

    @property
    def meaning(self) -> str:
        return self.field.description or _MEANING.get(self.name, "")

    @property
    def example(self) -> str:
        """What one writes, for a key that must be there."""
        return next(iter(self.field.examples or ()), _EXAMPLE.get(self.name, ""))


def keys_of(model: type[BaseModel]) -> Iterator[Key]:
    return (Key(field.alias or name, field) for name, field in model.model_fields.items())


def inner_model(annotation: Any) -> type[BaseModel] | None:
    """The model inside a field's type, be it one table or a list of them."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(inner_model, get_args(annotation))), None)


def model_at(path: KeyPath, data: Mapping[str, Any]) -> type[BaseModel] | None:
    """The model of the table that stands at `path`; None where there is no table."""
    model: type[BaseModel] | None = Config
    here: Any = data
    for step in path:
        here = _entered(here, step)
        if isinstance(step, str) and model:
            key = next((key for key in keys_of(model) if key.name == step), None)
            model = inner_model(key.field.annotation) if key else None
        elif model is base.Settings:
            model = settings_of(here)
    return model


def _entered(here: Any, step: str | int) -> Any:
    try:
        return here[step]
    except (KeyError, IndexError, TypeError):
        return None


# The keys that all channels share keep no description in their models.
_MEANING = {
    "name": "Its own name, for you, the log and the API; keep it, as messages remember it.",
    "type": "The kind of channel.",
    "language": "What we write on this channel when the customer's language is not known.",
    "from_name": "The name beside our address. Empty: `gateway.name`.",
    "mode": "As in `[gateway]`, for this channel alone; the stricter of both holds.",
    "wording": "A folder whose texts, such as `ja/nudge.short.txt`, are said on this channel in place of all others.",
    "calendar": "The name of `[[calendars]]` that cases of this channel count by. Empty: `[calendar]`.",
    "addresses": "The addresses that belong to us here, the one that we write from first. "
    "Their plus-tagged forms belong to them; mail to anything else is refused.",
    "primary": "Which channel an address belongs to that stands in two.",
    "send": "`maildir:PATH` writes one file a mail and sends nothing out; "
    "`smtp://[user@]HOST:PORT?tls=none`, `starttls` or `implicit` hands mail to a smarthost.",
    "password": "For the user in `send`.",
    "trusted_relays": "IP addresses whose Received and Authentication-Results we believe.",
    "trusted_authserv": "Names (authserv-id) under which those relays write their results.",
    "reply_tag": "Whether Reply-To carries a tag such as `support+…@`. Unset: with a Maildir yes, "
    "with a smarthost no.",
    "return_path": '"null": acknowledgements leave with MAIL FROM `<>`; "bounce": with an address '
    "of ours, for smarthosts that refuse `<>`.",
}
_EXAMPLE = {
    "name": 'name = "mail"',
    "addresses": 'addresses = ["support@example.com"]',
    "send": 'send = "maildir:var/sent"',
    "listen": 'listen = "127.0.0.1:2525"',
    "when": 'when = "pending"',
    "after": 'after = "2 business days"',
    "from": 'from = "form@shop.example"',
    "authenticated_by": 'authenticated_by = ["shop.example"]',
}
