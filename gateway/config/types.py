"""What the tables of config.toml are made of: a duration, a size, HOST:PORT, a time zone."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    PlainValidator,
)

from gateway.config.errors import close_to
from gateway.team.reached import is_elsewhere
from scheduler.duration import Duration

_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?", re.IGNORECASE | re.ASCII)
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)


class Table(BaseModel):
    """What all tables have in common: no unknown key, no change afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


def listed(value: Any) -> Any:
    """One value may be written without its brackets."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, list) else value


Word = Annotated[str, Field(min_length=1, max_length=200)]
Some = Annotated[tuple[Word, ...], BeforeValidator(listed)]


class Endpoint(NamedTuple):
    """A host and a port to listen on or to ask."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """Read "127.0.0.1:8025" or "[::1]:8025"; ValueError says what is wrong."""
        host, colon, port = text.rpartition(":")
        if not colon or not port.isascii() or not port.isdigit() or not _is_host(host):
            raise ValueError(f'"{text}" is not HOST:PORT, such as "127.0.0.1:2525" or "[::1]:2525"')
        if int(port) > 65535:
            raise ValueError(f"{port} is not a port; ports go up to 65535")
        return cls(host.strip("[]"), int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def collides(self, other: Endpoint) -> bool:
        """Whether both cannot be listened on: one port, and one host or every host. 0 is any port."""
        same_host = self.host.lower() == other.host.lower()
        return self.port == other.port != 0 and (
            same_host or _is_everywhere(self.host) or _is_everywhere(other.host)
        )


def _is_everywhere(host: str) -> bool:
    return is_network(host) and ipaddress.ip_address(host).is_unspecified


def _is_host(host: str) -> bool:
    if host.startswith("[") and host.endswith("]"):
        return is_network(host[1:-1]) and ":" in host
    return bool(_HOST.fullmatch(host))


def is_network(text: str) -> bool:
    """Whether this is an IP address or a network such as 192.0.2.0/24."""
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _duration(value: Any) -> Duration:
    if isinstance(value, Duration):
        return value
    return Duration.parse(value if isinstance(value, str) else str(value))


def _public_url(value: str) -> str:
    if not value:
        return value
    parts = urlsplit(value)
    is_near = parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"}
    is_whole = parts.hostname and not (parts.query or parts.fragment)
    if not is_whole or not (parts.scheme == "https" or is_near):
        raise ValueError(f'"{value}" must be an address such as "https://help.example.com"')
    return value.rstrip("/")


def _elapsed(value: Duration) -> Duration:
    if value.is_business:
        raise ValueError(f'write it without "business", such as "{value.amount} {value.unit}s"')
    return value


def _lead(value: Duration) -> Duration:
    if value.at is not None:
        raise ValueError(f'"{value}" is a moment, and this is how long before one; write a length')
    return value


def _endpoint(value: Any) -> Endpoint:
    return value if isinstance(value, Endpoint) else Endpoint.parse(str(value))


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, LookupError):
        known = {name.rpartition("/")[2]: name for name in sorted(available_timezones())}
        last = value.rpartition("/")[2].replace(" ", "_")
        hint = close_to(value, known.values()) or close_to(last, known)
        raise ValueError(f'"{value}" is not a time zone such as "Asia/Tokyo"{hint}') from None
    return value


def _language(value: str) -> str:
    if not _LANGUAGE.fullmatch(value):
        raise ValueError(f'"{value}" is not a language code such as "en" or "ja"')
    return value


def _any_language(value: str) -> str:
    return _language(value).lower() if value else value


def _for_all(value: Any) -> Any:
    return {"": value} if isinstance(value, str) else value


def _size(value: ByteSize) -> ByteSize:
    if value < 0:
        raise ValueError('must be a size, such as "25 MiB"')
    return value


def _mailbox(value: str) -> str:
    local, at, domain = value.rpartition("@")
    if not (local and at and domain) or any(c.isspace() for c in value):
        raise ValueError(f'"{value}" is not an address such as boss@example.com')
    return value


def _colleague(value: str) -> str:
    return value if is_elsewhere(value) else _mailbox(value)


def _store_url(value: str) -> str:
    scheme = value.partition(":")[0]
    if scheme in {"postgres", "postgresql"}:
        raise ValueError('write "postgresql+psycopg://…"')
    if scheme == "postgresql+psycopg" and urlsplit(value).path.strip("/"):
        return value
    if scheme == "sqlite" and value.startswith("sqlite:///") and value[10:].strip("/"):
        return value
    raise ValueError(
        'must be "sqlite:///var/madoguchi.db" or "postgresql+psycopg://USER@HOST/NAME"'
    )


def _hostname(value: str) -> str:
    if value and not _HOST.fullmatch(value):
        raise ValueError(f'"{value}" is not a host name such as "mail.example.com"')
    return value


def _domain(value: str) -> str:
    if "." not in value or not _HOST.fullmatch(value):
        raise ValueError(f'"{value}" is not a domain such as "example.com"')
    return value.lower()


Length = Annotated[Duration, PlainValidator(_duration)]
Lead = Annotated[Length, AfterValidator(_lead)]
ElapsedLength = Annotated[Length, AfterValidator(_elapsed)]
Listen = Annotated[Endpoint, PlainValidator(_endpoint)]
Zone = Annotated[str, AfterValidator(_zone)]
Language = Annotated[str, AfterValidator(_language)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
# One text for all, under "", or one for each language.
NameByLanguage = Annotated[
    dict[Annotated[str, AfterValidator(_any_language)], Name], BeforeValidator(_for_all)
]
Size = Annotated[ByteSize, AfterValidator(_size)]
Mailbox = Annotated[str, AfterValidator(_mailbox)]
Colleague = Annotated[str, AfterValidator(_colleague)]
PublicUrl = Annotated[str, AfterValidator(_public_url)]
StoreUrl = Annotated[str, AfterValidator(_store_url)]
Hostname = Annotated[str, AfterValidator(_hostname)]
Domain = Annotated[str, AfterValidator(_domain)]
