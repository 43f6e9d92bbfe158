"""Robots are told from persons, and what they ask for from what they are."""

from __future__ import annotations

import pytest

from tests.corpus import bounces, robots
from tests.normalizer.email.mail import reading


@pytest.mark.parametrize("sample", robots.ROBOTS, ids=lambda sample: str(sample[0]))
def test_a_robot_is_known_for_what_it_is(sample: tuple[str, str, str]) -> None:
    _, kind, mail = sample
    automatic = reading(mail.encode()).automatic
    assert automatic.kind == kind
    assert automatic.is_auto
    assert automatic.suppress_reply
    assert automatic.reasons


@pytest.mark.parametrize("sample", robots.PEOPLE, ids=lambda sample: str(sample[0]))
def test_a_person_is_never_taken_for_a_robot(sample: tuple[str, bool, str]) -> None:
    _, may_answer, mail = sample
    message = reading(mail.encode())
    assert not message.automatic.is_auto
    assert message.automatic.kind == "human"
    assert message.automatic.suppress_reply is not may_answer
    assert message.bounce is None


@pytest.mark.parametrize("sample", bounces.BOUNCES, ids=lambda sample: str(sample[0]))
def test_a_bounce_names_who_was_not_reached(
    sample: tuple[str, tuple[str, ...], bool, str, str, str],
) -> None:
    _, recipients, permanent, kind, status, mail = sample
    message = reading(mail.encode())
    assert message.bounce is not None
    assert tuple(item.address for item in message.bounce.recipients) == recipients
    assert message.bounce.permanent is permanent
    assert message.bounce.kind == kind
    assert message.bounce.status == status
    assert message.automatic.kind == "dsn"


@pytest.mark.parametrize("name", ["postfix", "qmail", "exim", "gmail", "yahoo", "sendmail-old"])
def test_a_bounce_leads_to_the_mail_that_came_back(name: str) -> None:
    (mail,) = (sample[-1] for sample in bounces.BOUNCES if sample[0] == name)
    bounce = reading(str(mail).encode()).bounce
    assert bounce is not None
    assert bounce.original_message_id == "ours-1@example.com"


def test_amazon_tells_bounces_as_json() -> None:
    bounce = reading(bounces.SES_BOUNCE.encode()).bounce
    assert bounce is not None
    assert bounce.recipients[0].address == "hanako@example.jp"
    assert (bounce.status, bounce.permanent, bounce.kind) == ("5.1.1", True, "hard")
    assert bounce.original_message_id == "ours-1@example.com"
    delivered = reading(bounces.SES_DELIVERY.encode()).bounce
    assert delivered is not None
    assert delivered.action == "delivered"


def test_json_that_is_no_notice_is_a_text() -> None:
    broken = bounces.SES_BOUNCE.replace('"bounce":', '"bounce":[')
    assert reading(broken.encode()).bounce is None
    assert reading(b'Subject: x\n\n{"eventType": ' + b"[" * 100_000).bounce is None


def test_a_report_of_success_is_no_failure() -> None:
    bounce = reading(bounces.DELIVERED.encode()).bounce
    assert bounce is not None
    assert bounce.action == "delivered"
    assert bounce.permanent is None
    assert bounce.kind == ""
