"""`[alarms]`: what cannot reach the admin, or would come in again, is an error with its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gateway.config.test_errors import CHANNEL, problems

ENV = {"S": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "SHORT": "whsec_YWJj"}
NO_MAIL = '[[channel]]\nname = "web"\ntype = "web"\n'


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ('[alarms]\nnotify = ["a@b.example"]\n' + NO_MAIL, "alarms.notify", "add one with addresses and send"),
        ('[alarms]\nnotify = ["Support@example.com"]\n' + CHANNEL, "alarms.notify", "belongs to channel[0]"),
        ('[alarms]\nnotify = ["support+x@example.com"]\n' + CHANNEL, "alarms.notify", "would come in again"),
        ('[alarms]\nnotify = ["admin"]\n' + CHANNEL, "alarms.notify", "is not an address"),
        ('[alarms]\nchannel = "post"\n' + CHANNEL, "alarms.channel", 'no channel "post" sends mail; possible: "mail"'),
        ('[alarms]\nchannel = "web"\n' + NO_MAIL, "alarms.channel", "add one with addresses and send"),
        ('[alarms]\nurl = "https://p.example/x"\n' + CHANNEL, "alarms.secret", "is missing; it signs"),
        ('[alarms]\nurl = "p.example"\nsecret = { env = "S" }\n' + CHANNEL, "alarms.url", "must be an address"),
        ('[alarms]\nurl = "https://p.example"\nsecret = { env = "SHORT" }\n' + CHANNEL, "alarms.secret", "24 to 64 octets"),
        ("[alarms]\nnotfy = []\n" + CHANNEL, "alarms.notfy", 'did you mean "notify"?'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_key(tmp_path: Path, text: str, key: str, said: str) -> None:
    (problem,) = problems(tmp_path, text, ENV)
    assert key in problem.key
    assert said in problem.message


def test_what_is_right_passes(tmp_path: Path) -> None:
    text = '[alarms]\nnotify = ["admin@corp.example"]\nchannel = "mail"\n' + CHANNEL
    assert problems(tmp_path, text) == []
