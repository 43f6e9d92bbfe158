"""A provider that puts its own Message-ID in the place of ours leaves threads and reports whole."""

from __future__ import annotations

import pytest

from channels.base import Sent
from normalizer.email.ses import accepted_as
from normalizer.message import Message
from tests.corpus.bounces import report
from tests.gateway.delivering import deliver_all
from tests.gateway.incoming.test_returned import DEAD, QUOTED, is_failing, returned, status
from tests.making import Desk, Wire, mail

ID = "0106018f3d2c1b0a-5f0e9d3c-1234-4abc-9def-0123456789ab-000000"
RENAMED = f"{ID}@ap-northeast-1.amazonses.com"


class Ses(Wire):
    """Answers as the SMTP interface of SES does."""

    async def send(self, message: Message, key: str) -> Sent:
        await super().send(message, key)
        return Sent(f"Ok {ID}"[:-1] + f"{len(self.sent)}")


@pytest.fixture
async def ses(desk: Desk) -> Desk:
    """A desk whose first acknowledgement, to hanako, left through SES as RENAMED."""
    desk.wire = Ses()
    await desk.accept(mail("hanako@example.jp", "Parcel", vouched="example.jp"))
    await deliver_all(desk)
    return desk


def renamed(number: int = 1) -> str:
    return RENAMED.replace("000000@", f"00000{number}@")


async def case_of(desk: Desk, message: int) -> int:
    return int(
        (await desk.one("SELECT case_id FROM v_messages WHERE id = :id", id=message))["case_id"]
    )


async def first_case(desk: Desk) -> int:
    return int((await desk.one("SELECT min(id) AS id FROM v_cases"))["id"])


@pytest.mark.parametrize("header", ["In_Reply_To", "References"])
async def test_an_answer_finds_its_case_by_the_provider_s_name(ses: Desk, header: str) -> None:
    answer = mail(
        "hanako@example.jp", "Quite another", vouched="example.jp", **{header: f"<{renamed()}>"}
    )
    assert await case_of(ses, (await ses.accept(answer)).message) == await first_case(ses)


async def test_the_provider_s_name_joins_nobody_to_another_s_case(ses: Desk) -> None:
    """Neither a stranger nor an authenticated customer, who gets a case of his own."""
    for vouched in ("example.org", ""):
        stranger = mail("ken@example.org", "Hello", vouched=vouched, In_Reply_To=f"<{renamed()}>")
        assert await case_of(ses, (await ses.accept(stranger)).message) != await first_case(ses)


async def test_a_report_that_quotes_the_provider_s_name_ends_on_the_message(ses: Desk) -> None:
    sent = ses.wire.sent[0].message_id
    await returned(ses, report(DEAD).replace(QUOTED, renamed()))
    assert await status(ses, sent) == "failed"
    assert await is_failing(ses)


async def test_a_name_that_the_provider_never_gave_changes_nothing(ses: Desk) -> None:
    sent = ses.wire.sent[0].message_id
    await returned(ses, report(DEAD).replace(QUOTED, renamed(7)))
    assert await status(ses, sent) == "sent"
    assert not await is_failing(ses)


async def test_names_that_nobody_told_us_are_not_needed_in_one_s_own_conversation(
    desk: Desk,
) -> None:
    """Other relays rewrite Message-IDs without a word: the subject leads to the case."""
    await desk.accept(mail("hanako@example.jp", "Parcel", vouched="example.jp"))
    await deliver_all(desk)
    unknown = {"In_Reply_To": "<TYAPR01@apcprd01.prod.outlook.example>", "vouched": "example.jp"}
    answer = await desk.accept(mail("hanako@example.jp", "RE: Parcel", **unknown))
    assert await case_of(desk, answer.message) == await first_case(desk)
    other = await desk.accept(mail("ken@example.jp", "RE: Parcel", **unknown))
    assert await case_of(desk, other.message) != await first_case(desk)


@pytest.mark.parametrize(
    ("message_id", "reply"),
    [
        (RENAMED, f"Ok {ID}"),
        (f"{ID}@email.amazonses.com", f"Ok {ID}"),
        (f"{ID}@email.amazonses.com.evil.example", ""),
        (f"{ID}@example.com", ""),
        ("1.2.abc@email.amazonses.com", ""),
        (f"{ID}\n@email.amazonses.com", ""),
        ("", ""),
    ],
)
def test_only_names_in_the_provider_s_form_are_its_own(message_id: str, reply: str) -> None:
    assert accepted_as(message_id) == reply
