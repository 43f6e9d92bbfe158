"""What may be said of text messages and of WhatsApp, and what cannot work."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from normalizer.message import Identity
from tests.channels.graph_double import TOKEN as META_TOKEN
from tests.channels.graph_double import whatsapp_settings
from tests.channels.twilio_double import DESK, TOKEN, sms_settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"account_sid": "SK" + "0" * 32},
        {"account_sid": "AC123"},
        {"auth_token": ""},
        {"auth_token": "two words"},
        {"sender": "090-1234-5678"},
        {"sender": "a name that is long"},
        {"sender": ""},
        {"public_url": "http://help.example.com"},
        {"public_url": "https://user:word@help.example.com"},
        {"public_url": "https://help.example.com?a=b"},
        {"public_url": "https://help.example.com:none"},
        {"public_url": ""},
        {"public_url": "https://help.example.com/in/sms"},
        {"public_url": "https://help.example.com/desk/in/sms/"},
        {"auth_token": "a-token\n"},
        {"auth_token": '"a-token"'},
        {"name": "text messages"},
        {"name": "sms/jp"},
        {"name": "窓口"},
        {"name": ".."},
        {"monthly_limit": -1},
    ],
)
def test_settings_of_text_messages_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        sms_settings(**wrong)


@pytest.mark.parametrize("sender", [DESK, "12345", "Example Co", "7Eleven", "MG" + "0" * 32])
def test_senders_are_numbers_names_and_services(sender: str) -> None:
    made = sms_settings(sender=sender, public_url="https://help.example.com/")
    assert made.own() == ({Identity("tel", DESK)} if sender == DESK else set())
    assert made.webhook == "https://help.example.com/in/sms"
    assert (made.form, made.gap, made.reaches) == ("short", timedelta(days=1), "tel")
    assert TOKEN not in repr(made)


@pytest.mark.parametrize(
    "address", ["", "yuki@example.jp", "09012345678", "+8190 1234", "+0123456"]
)
def test_only_a_number_can_be_written_to(address: str) -> None:
    assert sms_settings().refuses(address)
    assert sms_settings().refuses("+819012345678") == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"phone_number_id": "+815012345678"},
        {"access_token": "two words"},
        {"app_secret": ""},
        {"verify_token": "short"},
        {"phone_number": "09012345678"},
        {"version": "24"},
        {"api": "http://graph.example"},
        {"templates": [{"name": "Answer", "language": "ja"}]},
        {"templates": [{"name": "answer", "language": "Japanese"}]},
        {"templates": [{"name": "answer", "language": "ja", "kinds": ["letter"]}]},
        {"templates": [{"name": "answer", "language": "ja", "with_text": False}]},
    ],
)
def test_settings_of_whatsapp_that_cannot_work_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        whatsapp_settings(**wrong)


def test_a_template_is_found_by_kind_and_language() -> None:
    known = [
        {"name": "answer", "language": "en_US", "kinds": ["reply", "notice"]},
        {"name": "kaito", "language": "ja"},
    ]
    made = whatsapp_settings(templates=known, phone_number=DESK)

    def found(kind: str, language: str) -> str:
        template = made.template(kind, language)
        return template.name if template else ""

    assert found("reply", "ja") == "kaito"
    assert found("reply", "de") == found("reply", "") == "answer"
    assert found("notice", "ja") == "answer"
    assert found("survey", "ja") == ""
    assert made.own() == {Identity("tel", DESK), Identity("whatsapp", DESK[1:])}
    assert META_TOKEN not in repr(made)


@pytest.mark.parametrize("address", ["", "+819012345678", "yuki", "jp.123", "JP.", "JP.1/2"])
def test_only_whom_whatsapp_knows_can_be_written_to(address: str) -> None:
    made = whatsapp_settings()
    assert made.refuses(address)
    known = ("819012345678", "JP.13491208655302741918", "US.ENT.11815799212886844830")
    assert {made.refuses(one) for one in known} == {""}


def test_customers_of_other_channels_can_be_invited() -> None:
    """By addresses that open the right program with the code in it."""
    assert sms_settings().invites("MG-A") == f"sms:{DESK}?body=MG-A"
    assert sms_settings(sender="Example").invites("MG-A") == ""
    known = whatsapp_settings(phone_number=DESK)
    assert known.invites("MG-A") == f"https://wa.me/{DESK[1:]}?text=MG-A"
    assert whatsapp_settings().invites("MG-A") == ""
    assert (sms_settings().title, known.title) == ("SMS", "WhatsApp")
