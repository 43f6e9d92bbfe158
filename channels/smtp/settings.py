"""What config.toml may say about an SMTP or LMTP listener."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from channels.mail import MailSettings
from channels.quantities import Octets, Seconds


class ListenerSettings(MailSettings):
    """An SMTP or LMTP listener: where, how protected, and within which limits."""

    listen: str = Field(
        description='Where to listen, as "HOST:PORT"; an IPv6 host stands in brackets. '
        "Port 0 takes a free port."
    )
    tls: Literal["none", "starttls", "implicit"] = Field(
        default="none",
        description='"starttls" offers encryption, "implicit" demands it from the first octet '
        "(port 465); both need `certificate` and `key`.",
    )
    certificate: Path | None = Field(
        default=None, description="PEM file with our certificate and its chain."
    )
    key: Path | None = Field(default=None, description="PEM file with the certificate's key.")
    tls_required: bool = Field(
        default=False, description="Refuse mail before STARTTLS (for submission, not for an MX)."
    )
    users: dict[str, str] = Field(
        default_factory=dict,
        repr=False,
        description="Who may log in (name = password). AUTH is offered under TLS only, and "
        "gives nobody the right to relay.",
    )
    auth_required: bool = Field(
        default=False, description="Refuse mail from peers that have not logged in."
    )
    proxy_protocol: bool = Field(
        default=False,
        description="Expect a PROXY v1 or v2 header from `proxies`, which say who really connects.",
    )
    proxies: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(),
        description="Addresses or networks of the proxies; from anyone else the header is refused.",
    )
    smtputf8: bool = Field(default=True, description="Accept addresses beyond ASCII (RFC 6531).")
    max_connections: int = Field(
        default=500, gt=0, description="Connections at a time; the next one is answered 421."
    )
    max_connections_per_peer: int = Field(
        default=100,
        gt=0,
        description="Connections at a time from one address (IPv6: from one /64).",
    )
    max_recipients: int = Field(
        default=100,
        gt=0,
        le=1000,
        description="Recipients of one mail; further ones are answered 452.",
    )
    max_size: Octets = Field(
        default=25 * 2**20,
        description='Size of one mail, in octets or as "25 MiB"; larger ones are refused with 552.',
    )
    max_in_flight: Octets = Field(
        default=64 * 2**20,
        description="Memory for all mails under way; each counts 256 KiB, as larger ones go to a "
        "file while they arrive. Beyond it, DATA is answered 452.",
    )
    min_data_rate: int = Field(
        default=100,
        ge=0,
        description="Octets per second that a sender must manage within each `data_window`; "
        "slower ones get 421. 0 = no limit.",
    )
    data_window: Seconds = Field(
        default=60, description='The stretch over which `min_data_rate` counts ("1 minute").'
    )
    timeout: Seconds = Field(
        default=300, description='How long to wait for the next command ("5 minutes").'
    )
    grace: Seconds = Field(
        default=20,
        description="How long mails under way may still finish when the daemon stops.",
    )
    max_bad_commands: int = Field(
        default=20,
        gt=0,
        description="Bad commands until 421; a NOOP, a RSET or a refused recipient counts a fifth.",
    )

    @field_validator("listen")
    @classmethod
    def _is_host_and_port(cls, value: str) -> str:
        host, port = _host_port(value)
        if not host or not 0 <= port <= 65535:
            raise ValueError(f'{value!r} is not "HOST:PORT", such as "127.0.0.1:2525"')
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> ListenerSettings:
        if self.tls != "none" and not (self.certificate and self.key):
            raise ValueError(f'tls = "{self.tls}" needs certificate and key')
        if self.tls == "none" and (self.users or self.auth_required or self.tls_required):
            raise ValueError(
                'users, auth_required and tls_required need tls = "starttls" or "implicit"'
            )
        if self.auth_required and not self.users:
            raise ValueError("auth_required needs users")
        if self.proxy_protocol and not self.proxies:
            raise ValueError("proxy_protocol needs proxies: whose word is taken")
        if self.proxy_protocol and self.tls == "implicit":
            raise ValueError('behind a PROXY header, say tls = "starttls" or let the proxy end TLS')
        return self

    @property
    def endpoint(self) -> tuple[str, int]:
        """Host and port to bind."""
        return _host_port(self.listen)


def _host_port(value: str) -> tuple[str, int]:
    host, _, port = value.rpartition(":")
    return host.removeprefix("[").removesuffix("]"), int(port) if port.isdecimal() else -1
