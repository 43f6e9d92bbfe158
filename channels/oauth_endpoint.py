"""One request to a provider's endpoint, and what its refusal means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from channels.base import ChannelDown
from channels.pause import asked

if TYPE_CHECKING:
    import httpx

PATIENCE = 15.0  # seconds for one request
_AADSTS = re.compile(r"AADSTS\d{4,8}")
_ERROR = re.compile(r"[a-z_]{3,40}")
# RFC 6749 section 5.2, and what Microsoft adds: each with what a person can do about it.
_MEANING = {
    "invalid_grant": "the provider no longer accepts this log-in",
    "interaction_required": "the provider wants a person to log in",
    "consent_required": "the provider wants a person to agree",
    "access_denied": "the person did not agree",
    "expired_token": "nobody entered the code in time",
    "invalid_client": "the provider does not know client_id, or client_secret is wrong or too old",
    "unauthorized_client": "the registration at the provider does not allow this way of logging in",
    "unsupported_grant_type": "the provider does not offer this way of logging in",
    "invalid_scope": "the registration at the provider may not ask for this scope",
    "invalid_request": "the provider does not understand the request; look at the oauth table",
}
_MICROSOFT = {
    "AADSTS50194": "the registration is for one directory only; set tenant to its ID",
    "AADSTS700016": "there is no such client_id in this tenant",
    "AADSTS7000215": "client_secret is wrong; it is the secret's value, not its ID",
    "AADSTS7000218": "allow public client flows in the registration, or set client_secret",
    "AADSTS7000222": "client_secret has expired; make a new one",
    "AADSTS700082": "the log-in was not used for too long",
    "AADSTS50173": "the password was changed, or the log-ins of this account were ended",
    "AADSTS65001": "an administrator has to agree to the permissions of the registration",
    "AADSTS90002": "there is no such tenant",
}


class LoginNeeded(ChannelDown):
    """The provider no longer accepts this log-in."""


class NotNow(ChannelDown):
    """The provider does not answer."""

    def __init__(self, detail: str, after: timedelta | None = None) -> None:
        super().__init__(detail)
        self.after = after


class Refusal(LoginNeeded):
    """A refusal with the provider's own word for it, such as `authorization_pending`."""

    def __init__(self, error: str, said: str) -> None:
        super().__init__(said)
        self.error = error


def post(url: str, form: Mapping[str, str]) -> dict[str, Any]:
    """The JSON of a 200. Raises NotNow (come again) or Refusal (somebody has to do something)."""
    import httpx  # five megabytes, which only a log-in needs

    host = urlsplit(url).hostname or ""
    try:
        reply = httpx.post(url, data=dict(form), timeout=PATIENCE, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotNow(f"{host} does not answer: {type(error).__name__}") from None
    return _understood(host, reply)


def _understood(host: str, reply: httpx.Response) -> dict[str, Any]:
    try:
        body = reply.json()
    except (ValueError, RecursionError):
        body = None
    if reply.status_code == 200 and isinstance(body, dict):
        return body
    error = body.get("error") if isinstance(body, dict) else None
    passing = reply.status_code == 429 or reply.status_code >= 500
    if passing or not isinstance(error, str) or error == "temporarily_unavailable":
        raise NotNow(
            f"{host} answered {reply.status_code}", asked(reply.headers.get("retry-after", ""))
        )
    assert isinstance(body, dict)
    raise Refusal(error, explain(host, error, str(body.get("error_description", ""))))


def explain(host: str, error: str, description: str) -> str:
    """One sentence for the admin. The provider's own words may hold anything, so only codes pass."""
    code = found[0] if (found := _AADSTS.search(description)) else ""
    word = error if _ERROR.fullmatch(error) else "an error"
    said = _MICROSOFT.get(code) or _MEANING.get(error) or "the provider refuses"
    return f"{said} ({host}: {' '.join(filter(None, (word, code)))})"
