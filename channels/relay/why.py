"""Why a smarthost cannot be used, in one sentence each, with what an admin can do; pure."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from errno import ECONNREFUSED, EHOSTUNREACH, ENETUNREACH

from aiosmtplib import (
    SMTPAuthenticationError,
    SMTPConnectResponseError,
    SMTPResponseException,
)

from channels.mail_compose import clean
from channels.relay import Relay
from channels.relay.dial import NoLogin

_ENHANCED = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
_ERRNO = re.compile(r"\[Errno (\d+)\]")
# What two large providers say by enhanced codes of their own.
_CODES = {
    "5.7.9": "it wants an app password or OAuth2 instead of the account's password",
    "5.7.139": "SMTP AUTH is switched off for this mailbox or its organisation; switch it on there",
    "5.7.57": "SMTP AUTH is switched off for this mailbox or its organisation; switch it on there",
}


def why_no_session(relay: Relay, error: Exception) -> str:
    """What kept us from connecting, encrypting or logging in."""
    if isinstance(error, SMTPAuthenticationError):
        return _not_logged_in(relay, error)
    if isinstance(error, SMTPConnectResponseError):
        said = clean(f"{error.code} {error.message}")
        return f"{relay} turns this machine away ({said}); ask its operator to let it in"
    if isinstance(error, SMTPResponseException):
        return f"{relay} breaks off ({clean(f'{error.code} {error.message}')})"
    for cause in _causes(error):
        if said := _below(relay, cause):
            return f"{relay}: {said}"
    return f"{relay}: {_offered(relay, error)}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it came from, the deepest first."""
    if error is not None:
        yield from _causes(error.__cause__)
        yield error


def _below(relay: Relay, cause: BaseException) -> str:
    """What the network or TLS had to say."""
    match cause:
        case socket.gaierror(errno=socket.EAI_AGAIN):
            return "DNS does not answer; look at this machine's resolver"
        case socket.gaierror():
            return f"the name {relay.host} is not in DNS; look for a typing error in send"
        case ssl.SSLCertVerificationError():
            return (
                f"its certificate is not good ({cause.verify_message}); write the host name that"
                " the certificate is for, or let this machine trust its authority"
            )
        case ssl.SSLError() if relay.tls == "implicit":
            return "it does not begin with TLS; say tls=starttls (usually with port 587)"
        case ssl.SSLError():
            return f"no agreement on TLS ({clean(cause.reason or 'no reason given')})"
        case TimeoutError():
            return _silent(relay)
        case OSError():
            return _unreachable(cause)
    return ""


def _silent(relay: Relay) -> str:
    if relay.port == 465 and relay.tls != "implicit":
        return "no answer in time; port 465 wants tls=implicit"
    if relay.port == 25:
        return "no answer in time; many networks block port 25, so try 587 with tls=starttls"
    return "no answer in time; look at the port, and for a firewall between here and there"


def _unreachable(error: OSError) -> str:
    """With several addresses asyncio puts the numbers into one text."""
    numbers = {error.errno, *map(int, _ERRNO.findall(str(error)))}
    if ECONNREFUSED in numbers:
        return "nothing listens there; look at host and port (587, 465 or 25)"
    if numbers & {ENETUNREACH, EHOSTUNREACH}:
        return "there is no way there from this machine; look at its network"
    return ""


def _offered(relay: Relay, error: Exception) -> str:
    """What the server does not offer; of STARTTLS the library says it in words only."""
    match error:
        case NoLogin(mechanism="XOAUTH2"):
            return "it offers no log-in with OAuth2 (XOAUTH2); set a password, or allow SMTP AUTH"
        case NoLogin():
            hint = "say tls=starttls, or" if relay.tls == "none" else "if it needs none,"
            return f"it offers no log-in that we know; {hint} take the user out of send"
    said = clean(str(error))
    if "STARTTLS" in said:
        return "it offers no STARTTLS; say tls=implicit with port 465 (tls=none only at home)"
    return said or "the connection broke"


def _not_logged_in(relay: Relay, error: SMTPAuthenticationError) -> str:
    found = _ENHANCED.search(error.message)
    code = found[0] if found else ""
    known = _CODES.get(code) or (
        "it is busy; try again in some minutes"
        if error.code < 500
        else "the user is often the whole address, and some providers want an app password"
    )
    words = " ".join(filter(None, (str(error.code), code)))
    return f"{relay} refuses the log-in of {relay.user} ({words}); {known}"
