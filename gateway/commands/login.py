"""`madoguchi login CHANNEL`: a person logs a channel in at its provider, once."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from channels import oauth_browser, oauth_device
from channels.base import ChannelDown, Settings
from channels.oauth import Login
from channels.oauth_grant import NotUnderstood
from channels.oauth_settings import OAuth
from gateway.config import Config
from gateway.watch import checking

Say = Callable[[str], object]


class NotLoggedIn(Exception):
    """The log-in did not work; what was there before is as it was."""

    def __init__(self, why: object) -> None:
        super().__init__(why)


class Choice(NamedTuple):
    """How to log in: with a device code, with a browser, or (None) as the provider likes it."""

    device: bool | None = None
    port: int = 0


def login(config: Config, name: str, choice: Choice, say: Say) -> list[checking.Finding]:
    """Lead a person through it, keep the tokens, try the channel. Raises NotLoggedIn, OSError."""
    settings, oauth = _asked_for(config, name)
    device = _is_device(oauth, choice.device)
    try:
        reply = _by_device(oauth, say) if device else _by_browser(oauth, settings, choice.port, say)
        if not reply.get("refresh_token"):
            raise NotLoggedIn("the provider gave no refresh token; look at scope and registration")
        Login(oauth, name, config.gateway.data_dir / "oauth").keep(reply)
    except (ChannelDown, NotUnderstood) as error:
        raise NotLoggedIn(error) from error
    say("Logged in; a running daemon goes on by itself. Trying the channel …")
    return asyncio.run(checking.channel(config, settings))


def _asked_for(config: Config, name: str) -> tuple[Settings, OAuth]:
    able = [settings.name for settings in config.channels if settings.login]
    for settings in config.channels:
        if settings.name == name and settings.login:
            return settings, settings.login
    those = f"these have one: {', '.join(able)}" if able else "no channel has one"
    if any(settings.name == name for settings in config.channels):
        raise NotLoggedIn(f'channel "{name}" has no oauth table; {those} (docs/recipes.md)')
    raise NotLoggedIn(f'there is no channel "{name}"; of those with an oauth table, {those}')


def _is_device(oauth: OAuth, wanted: bool | None) -> bool:
    known = oauth.known
    if wanted and not known.device:
        raise NotLoggedIn("this provider gives no device code for mailboxes; use --browser")
    if wanted is False and not known.authorization:
        raise NotLoggedIn("the oauth table names no authorization address; use --device")
    return bool(known.device) if wanted is None else wanted


def _by_device(oauth: OAuth, say: Say) -> dict[str, Any]:
    code = oauth_device.begin(oauth)
    say(
        f"Open   {code.url}\nEnter  {code.user_code}\nas the mailbox, within {code.life / 60:.0f} minutes."
    )
    return oauth_device.finish(oauth, code)


def _by_browser(oauth: OAuth, settings: Settings, port: int, say: Say) -> dict[str, Any]:
    typed = sys.stdin.fileno() if sys.stdin and sys.stdin.isatty() else None
    loopback = oauth_browser.Loopback(oauth.known.loopback, port, typed)
    try:
        attempt = oauth_browser.Attempt.new(loopback.redirect)
        say(f"Open this in a browser:\n\n{_address(oauth, attempt, settings)}\n")
        if typed is not None:
            say(
                "On another machine, the browser ends on a page that it cannot load:\n"
                "then copy that page's address and paste it here."
            )
        host = urlsplit(oauth.known.authorization).hostname or ""
        given = loopback.wait(partial(oauth_browser.code, attempt, host=host))
    finally:
        loopback.close()
    return oauth_browser.exchange(oauth, attempt, given)


def _address(oauth: OAuth, attempt: oauth_browser.Attempt, settings: Settings) -> str:
    return oauth_browser.address(oauth, attempt, settings.login_hint)
