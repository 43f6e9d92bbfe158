"""Whether a LINE account is set up as it has to be, without a word to any customer."""

from __future__ import annotations

from channels.base import ChannelDown
from channels.line.api import LineApi, in_words, refusal
from channels.line.settings import LineSettings
from channels.platform_api import Answer

ENDPOINT = "/v2/bot/channel/webhook/endpoint"
_TEST = "/v2/bot/channel/webhook/test"
AUTO_REPLIES = (
    "switch off the account's own auto-response and greeting messages in LINE Official Account "
    "Manager: customers would get two answers"
)


async def check(api: LineApi, settings: LineSettings) -> str:
    """What works and what to look at. Raises DeliveryError that says all that does not."""
    account = await api.ask("/v2/bot/info")
    said = [f"LINE knows us as {account.get('displayName', '')} ({account.get('basicId', '')})"]
    own = str(account.get("userId", ""))
    if settings.bot_user_id and own != settings.bot_user_id:
        raise ChannelDown(f"bot_user_id is {settings.bot_user_id}; the account's is {own}")
    wrong = await _webhook(api, settings)
    if wrong:
        raise ChannelDown("\n".join([*said, *wrong]))
    return "\n".join([*said, "LINE reached our webhook in its own test", AUTO_REPLIES])


async def _webhook(api: LineApi, settings: LineSettings) -> list[str]:
    """What keeps LINE from reaching us."""
    answer = await api.call("GET", ENDPOINT)
    if answer.status == 404:
        return [f"no webhook is set: enter {_wanted(settings)} in the LINE Developers console"]
    if answer.status != 200:
        raise refusal(answer)
    there = str(answer.body.get("endpoint", ""))
    if settings.webhook and there != settings.webhook:
        return [f"LINE calls {there}; enter {settings.webhook}, or correct public_url"]
    if answer.body.get("active") is not True:
        return ['the webhook is off: switch on "Use webhook" in the LINE Developers console']
    return _tested(await api.call("POST", _TEST, {}))


def _tested(answer: Answer) -> list[str]:
    """Pure: what LINE's own test found wrong."""
    if answer.status != 200:
        return [f"LINE does not test the webhook now: {in_words(answer)}"]
    if answer.body.get("success") is True:
        return []
    seen = " ".join(str(answer.body.get(key, "")) for key in ("statusCode", "reason", "detail"))
    return [f"LINE does not reach our webhook: {seen[:200]}; is the daemon running, with HTTPS?"]


def _wanted(settings: LineSettings) -> str:
    return settings.webhook or f"https://YOUR-HOST/in/{settings.name}"


async def set_webhook(api: LineApi, settings: LineSettings) -> None:
    """Tell LINE where we are. Raises DeliveryError."""
    answer = await api.call("PUT", ENDPOINT, {"endpoint": settings.webhook})
    if answer.status != 200:
        raise refusal(answer)
