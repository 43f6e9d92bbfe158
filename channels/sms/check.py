"""Whether a Twilio account is set up as it has to be, without a word to any customer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from channels.base import ChannelDown
from channels.sms.api import TwilioApi
from channels.sms.settings import SmsSettings


async def check(api: TwilioApi, settings: SmsSettings) -> str:
    """What works and what to look at. Raises DeliveryError that says what does not."""
    account = (await api.account()).body
    status = str(account.get("status", ""))
    said = f'Twilio knows us as "{account.get("friendly_name", "")}"'
    if status != "active":
        raise ChannelDown(f"{said}; the account is {status or 'not active'}")
    if not settings.has_number:
        return f"{said}; see in its console that incoming messages go to {settings.webhook}"
    numbers = (await api.number(settings.sender)).body.get("incoming_phone_numbers")
    if not isinstance(numbers, list) or not numbers or not isinstance(numbers[0], dict):
        raise ChannelDown(f"{said}; {settings.sender} is not one of its numbers")
    if wrong := _wrong(numbers[0], settings):
        raise ChannelDown(f"{said}; {wrong}")
    return f"{said}; {settings.sender} brings its messages to us"


def _wrong(number: Mapping[str, Any], settings: SmsSettings) -> str:
    """Pure: what keeps a number's messages from reaching us."""
    capable = number.get("capabilities")
    if isinstance(capable, dict) and capable.get("sms") is False:
        return f"{settings.sender} takes no text messages"
    if number.get("sms_application_sid"):
        return f"a TwiML App takes its messages; take it out, and enter {settings.webhook} under Messaging"
    url, _, _ = str(number.get("sms_url", "")).partition("#")  # what follows is for Twilio alone
    if url != settings.webhook:
        return f'its messages go to "{url}"; enter {settings.webhook} under Messaging'
    method = str(number.get("sms_method", ""))
    return "" if method == "POST" else f"set its method to HTTP POST; it is {method}"
