"""Log in with a code on another machine: the device authorization grant, RFC 8628."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from channels.oauth import Post
from channels.oauth_endpoint import LoginNeeded, NotNow, Refusal, post
from channels.oauth_settings import OAuth

_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_INTERVAL = 5.0  # seconds, where the provider says nothing (section 3.2)
_SLOWER = 5.0  # seconds more after `slow_down` (section 3.5)
_LIFE = 900.0
_LONGEST = 3600.0


class DeviceCode(NamedTuple):
    """What the person needs (`url`, `user_code`), what we need, and for how many seconds."""

    device_code: str
    user_code: str
    url: str
    life: float
    interval: float


class Ways(NamedTuple):
    """The outside of the flow: requests, the time, and waiting."""

    ask: Post = post
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


_REAL = Ways()


def begin(settings: OAuth, ways: Ways = _REAL) -> DeviceCode:
    """Ask for a code. Raises NotNow, Refusal, or LoginNeeded for an answer without one."""
    form = {"client_id": settings.client_id, "scope": settings.known.scope}
    return _code(ways.ask(settings.known.device, form))


def _code(reply: Mapping[str, Any]) -> DeviceCode:
    # Google writes verification_url, after a draft of the RFC.
    url = reply.get("verification_uri") or reply.get("verification_url")
    device, user = reply.get("device_code"), reply.get("user_code")
    if not (isinstance(device, str) and isinstance(user, str) and isinstance(url, str)):
        raise LoginNeeded("the provider gave no device code")
    return DeviceCode(
        device,
        user,
        url,
        _number(reply, "expires_in", _LIFE),
        _number(reply, "interval", _INTERVAL),
    )


def _number(reply: Mapping[str, Any], name: str, usual: float) -> float:
    try:
        return min(max(float(reply.get(name, usual)), 1.0), _LONGEST)
    except (TypeError, ValueError):
        return usual


def finish(settings: OAuth, code: DeviceCode, ways: Ways = _REAL) -> dict[str, Any]:
    """The token endpoint's reply, once the person has agreed. Raises Refusal if they do not."""
    secret = settings.client_secret
    form = {
        "grant_type": _GRANT,
        "device_code": code.device_code,
        "client_id": settings.client_id,
    } | ({"client_secret": secret} if secret else {})
    end, pause = ways.clock() + code.life, code.interval
    while ways.clock() + pause < end:
        ways.sleep(pause)
        try:
            return ways.ask(settings.known.token, form)
        except Refusal as refusal:
            pause = _slower(refusal, pause)
        except NotNow:
            pause *= 2  # section 3.5: exponential back-off when the provider does not answer
    raise LoginNeeded("nobody entered the code in time")


def _slower(refusal: Refusal, pause: float) -> float:
    """How long to wait after a refusal that is none yet; any other is raised."""
    if refusal.error == "authorization_pending":
        return pause
    if refusal.error == "slow_down":
        return pause + _SLOWER
    raise refusal
