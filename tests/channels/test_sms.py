"""Text messages: nothing is taken that Twilio did not sign, and nothing is answered before it is
durable.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.base import Host, Unavailable
from channels.sms import Sms
from channels.sms.call import form, is_signed, signature, unit
from normalizer import normalize
from tests.channels.hooked import running
from tests.channels.line_channel import Gateway
from tests.channels.twilio_double import (
    PUBLIC,
    TOKEN,
    incoming,
    request,
    sid,
    sign,
    sms_settings,
    status,
)

# The vector on Twilio's page about webhook security.
VECTOR = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}
VECTOR_URL = "https://mycompany.com/myapp.php"
VECTOR_SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="


@asynccontextmanager
async def sms(
    folder: Path, gateway: Gateway | None = None, **more: Any
) -> AsyncIterator[tuple[Sms, Gateway]]:
    async with running(lambda host: Sms(sms_settings(**more), host), folder, gateway) as both:
        yield both


def test_twilios_own_example_holds() -> None:
    url = f"{VECTOR_URL}?foo=1&bar=2"
    assert signature("12345", url, VECTOR) == VECTOR_SIGNATURE
    assert is_signed(["12345"], VECTOR_URL, "foo=1&bar=2", VECTOR, VECTOR_SIGNATURE)


async def test_a_message_is_taken_in_once_it_is_durable(tmp_path: Path) -> None:
    async with sms(tmp_path) as (channel, gateway):
        answer = await channel.answer(request(incoming("注文はどこですか 🙂")))
        assert (answer.status, answer.body) == (200, b"<Response/>")
        assert dict(answer.headers)["Content-Type"] == "text/xml"
        (envelope,) = gateway.taken
        assert (envelope.unit, envelope.format) == (sid(4711), "sms")
        assert normalize(envelope)[0].text == "注文はどこですか 🙂"


async def test_the_query_and_the_port_are_signed_as_twilio_called(tmp_path: Path) -> None:
    fields = incoming()
    async with sms(tmp_path) as (channel, _):
        for place, query in (
            (f"{PUBLIC}/in/sms?b=%20x&a=%27", "b=%20x&a=%27"),
            (f"{PUBLIC}:443/in/sms", ""),
        ):
            asked = request(fields, sign(fields, place), query=query)
            assert (await channel.answer(asked)).status == 200
        moved = request(fields, sign(fields, f"{PUBLIC}/in/sms?a=1"), query="a=2")
        assert (await channel.answer(moved)).status == 401
    async with sms(tmp_path, public_url=f"{PUBLIC}:8443") as (channel, _):
        for place in (f"{PUBLIC}:8443/in/sms", f"{PUBLIC}/in/sms"):
            assert (await channel.answer(request(fields, sign(fields, place)))).status == 200
        other = request(fields, sign(fields, f"{PUBLIC}:9443/in/sms"))
        assert (await channel.answer(other)).status == 401


async def test_what_a_proxy_says_of_us_is_of_no_account(tmp_path: Path) -> None:
    fields = incoming()
    forged = request(fields, sign(fields, "https://evil.example/in/sms"))
    headers = {**forged.headers, "host": "evil.example", "x-forwarded-host": "evil.example"}
    async with sms(tmp_path) as (channel, gateway):
        assert (await channel.answer(forged._replace(headers=headers))).status == 401
        assert gateway.taken == []


async def test_a_second_token_holds_while_it_is_changed(tmp_path: Path) -> None:
    fields, url = incoming(), f"{PUBLIC}/in/sms"
    old = request(fields, sign(fields, url, "the-old-one"))
    async with sms(tmp_path) as (channel, _):
        assert (await channel.answer(old)).status == 401
    async with sms(tmp_path, old_token="the-old-one") as (channel, _):
        assert (await channel.answer(old)).status == 200
        assert (await channel.answer(request(fields))).status == 200


def test_fields_that_could_be_parted_in_two_ways_are_refused() -> None:
    """Twilio signs names and values without anything between them."""
    right = {"Body": "x", "From": "+81", "MessageSid": sid(1), "To": "+82"}
    claimed, rest = sign(right, "https://a.example/"), f"MessageSid={sid(1)}&To=%2B82"
    for changed in (
        f"Body=xFrom%2B81&{rest}",
        f"Body=x&From=%2B81MessageSid{sid(1)}&To=%2B82",
        f"Bodyx=&From=%2B81&{rest}",
        f"Bod=yx&From=%2B81&{rest}",
        f"Bodyx&From=%2B81&{rest}",
        f"Body=x&From%2B81=&{rest}",
    ):
        fields = form(changed.encode())
        assert fields is None or unit(fields) is None or not _holds(fields, claimed), changed
    assert _holds(right, claimed)
    assert unit(right) == sid(1)


def _holds(fields: dict[str, str], claimed: str) -> bool:
    return is_signed([TOKEN], "https://a.example/", "", fields, claimed)


@pytest.mark.parametrize(
    "body",
    [b"", b"a", b"a=1&", b"&a=1", b"a=1&&b=2", b"a=1&a=2", b"a=b=c", b"=1", b"%41=1", b"a=%FF",
     b"a=\xe3\x81\x82"],
)  # fmt: skip
def test_what_twilio_does_not_write_is_no_form(body: bytes) -> None:
    assert form(body) is None


async def test_a_store_that_is_away_brings_twilio_again_i22(tmp_path: Path) -> None:
    async with sms(tmp_path, Gateway(down=1)) as (channel, gateway):
        with pytest.raises(Unavailable):
            await channel.answer(request(incoming()))
        assert gateway.taken == []
        assert (await channel.answer(request(incoming()))).status == 200
        assert len(gateway.taken) == 1


async def test_reports_are_taken_and_steps_on_the_way_are_not(tmp_path: Path) -> None:
    async with sms(tmp_path) as (channel, gateway):
        for state in ("queued", "sending", "sent", "delivered", "undelivered", "failed", "read"):
            assert (await channel.answer(request(status(state)))).status == 200
        units = [one.unit for one in gateway.taken]
        assert units == [f"{sid(1)}:{s}" for s in ("delivered", "undelivered", "failed", "read")]


async def test_what_is_not_for_us_is_refused(tmp_path: Path) -> None:
    others = incoming(AccountSid="AC" + "f" * 32)
    async with sms(tmp_path) as (channel, gateway):
        assert (await channel.answer(request(others))).status == 400
        assert (await channel.answer(request(incoming(MessageSid="SM1")))).status == 400
        assert (await channel.answer(request(incoming(), method="GET"))).status == 405
        assert (await channel.answer(request(incoming(), path="/elsewhere"))).status == 404
        assert gateway.taken == []


async def test_a_channel_that_does_not_run_asks_twilio_to_come_again(tmp_path: Path) -> None:
    channel = Sms(sms_settings(), Host("mx.example", tmp_path))
    with pytest.raises(Unavailable):
        await channel.answer(request(incoming()))
    await channel.close()


@given(st.dictionaries(st.from_regex(r"[A-Z][A-Za-z0-9]{0,9}", fullmatch=True), st.text()))
def test_what_twilio_writes_is_read_as_it_was_meant(fields: dict[str, str]) -> None:
    clean = {n: v for n, v in fields.items() if v == v.encode("utf-8", "replace").decode()}
    body = "&".join(f"{name}={quote_plus(value)}" for name, value in clean.items())
    assert form(body.encode()) == (clean or None)


@given(st.binary())
def test_no_octets_make_the_form_raise(octets: bytes) -> None:
    form(octets)
