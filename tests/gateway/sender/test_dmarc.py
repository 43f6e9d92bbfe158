"""What was proved must speak for the domain in From, as that domain's own records say."""

from __future__ import annotations

import asyncio

import pytest

from gateway.sender.dmarc import Result, _organization, evaluate
from gateway.sender.resolver import Answer, DnsTrouble
from tests.dns_server import Records

REJECT = "v=DMARC1; p=reject"
RECORDS: Records = {
    ("_dmarc.example.jp", "TXT"): [REJECT],
    ("_dmarc.calm.jp", "TXT"): ["v=DMARC1;p=none; pct=5"],
    ("_dmarc.strict.jp", "TXT"): ["v=DMARC1; p=quarantine; adkim=s; aspf=s"],
    ("_dmarc.mixed.jp", "TXT"): ["v=DMARC1; p=none; sp=quarantine; np=reject"],
    ("there.mixed.jp", "A"): ["192.0.2.1"],
    ("_dmarc.trying.jp", "TXT"): ["v=DMARC1; p=reject; t=y"],
    ("_dmarc.gentle.jp", "TXT"): ["v=DMARC1; p=quarantine; t=y"],
    ("_dmarc.twice.jp", "TXT"): [REJECT, "v=DMARC1; p=none"],
    ("_dmarc.wrong.jp", "TXT"): ["v=DMARC2; p=reject", "p=reject; v=DMARC1", "spf2.0"],
    ("_dmarc.odd.jp", "TXT"): ["v=DMARC1; p=destroy"],
    # One domain with units of its own (psd=n), below a suffix where everybody is a stranger.
    ("_dmarc.giant.co.test", "TXT"): ["v=DMARC1; p=reject"],
    ("_dmarc.unit.giant.co.test", "TXT"): ["v=DMARC1; p=none; psd=n"],
    ("_dmarc.co.test", "TXT"): ["v=DMARC1; p=reject; psd=y"],
}


class Dns:
    """The records as a dict; nobody answers for the names in `trouble`."""

    def __init__(self, *trouble: str) -> None:
        self.trouble = trouble
        self.asked: list[str] = []

    async def __call__(self, name: str, kind: str) -> Answer:
        self.asked.append(name)
        if name in self.trouble:
            raise DnsTrouble
        records = RECORDS.get((name, kind), [])
        return Answer(tuple(records), bool(records))


def judged(domain: str, *found: tuple[str, str, str], dns: Dns | None = None) -> tuple[str, bool]:
    """The outcome, and whether the domain asks for distrust."""
    results = [Result(*one) for one in found]
    result, distrusted = asyncio.run(evaluate(dns or Dns(), domain, results))
    assert (result.method, result.domain) == ("dmarc", domain)
    return result.outcome, distrusted


@pytest.mark.parametrize(
    ("domain", "outcome", "distrusted"),
    [
        ("example.jp", "fail", True),
        ("below.example.jp", "fail", True),
        ("calm.jp", "fail", False),
        ("strict.jp", "fail", True),
        ("mixed.jp", "fail", False),
        ("there.mixed.jp", "fail", True),
        ("trying.jp", "fail", True),  # reject, one step milder
        ("gentle.jp", "fail", False),
        ("twice.jp", "none", False),
        ("wrong.jp", "none", False),
        ("odd.jp", "fail", False),
        ("nobody.jp", "none", False),
        ("anybody.co.test", "fail", True),  # the suffix speaks for who says nothing
    ],
)
def test_without_any_proof_the_policy_decides(domain: str, outcome: str, distrusted: bool) -> None:
    assert judged(domain) == (outcome, distrusted)
    assert judged(domain, ("spf", "fail", domain), ("dkim", "fail", domain)) == (
        outcome,
        distrusted,
    )


def test_a_domain_that_does_not_exist_has_a_policy_of_its_own() -> None:
    result, _ = asyncio.run(evaluate(Dns(), "nowhere.mixed.jp", ()))
    assert result.reason == "policy reject"
    result, _ = asyncio.run(evaluate(Dns(), "there.mixed.jp", ()))
    assert result.reason == "policy quarantine"


@pytest.mark.parametrize("method", ["spf", "dkim"])
@pytest.mark.parametrize(
    ("domain", "proved", "outcome"),
    [
        ("example.jp", "example.jp", "pass"),
        ("example.jp", "mail.example.jp", "pass"),
        ("mail.example.jp", "example.jp", "pass"),
        ("a.example.jp", "b.example.jp", "pass"),
        ("example.jp", "evil.jp", "fail"),
        ("example.jp", "badexample.jp", "fail"),
        ("strict.jp", "strict.jp", "pass"),
        ("strict.jp", "mail.strict.jp", "fail"),
        ("nobody.jp", "mail.nobody.jp", "none"),
        ("nobody.jp", "nobody.jp", "pass"),
        ("giant.co.test", "mail.giant.co.test", "pass"),
        ("giant.co.test", "other.co.test", "fail"),
        ("giant.co.test", "unit.giant.co.test", "fail"),
        ("giant.co.test", "co.test", "fail"),
    ],
)
def test_a_proof_counts_for_the_domain_and_its_organization(
    method: str, domain: str, proved: str, outcome: str
) -> None:
    """S10: SPF of a MAIL FROM that is not aligned proves nothing about From."""
    assert judged(domain, (method, "pass", proved))[0] == outcome


def test_what_proves_the_very_domain_asks_nobody() -> None:
    dns = Dns()
    assert judged("example.jp", ("dkim", "pass", "example.jp"), dns=dns) == ("pass", False)
    assert dns.asked == []


@pytest.mark.parametrize("domain", ["example.jp", "mail.example.jp"])
def test_trouble_counts_where_the_answer_could_have_spoken_for_the_author(domain: str) -> None:
    assert judged("example.jp", ("dkim", "temperror", domain))[0] == "temperror"
    assert judged("nobody.jp", ("spf", "temperror", "nobody.jp"))[0] == "temperror"
    assert judged("strict.jp", ("spf", "temperror", "strict.jp"))[0] == "temperror"
    assert judged("example.jp", dns=Dns("_dmarc.example.jp")) == ("temperror", False)


def test_a_stranger_cannot_hide_behind_a_dns_of_his_own_that_is_silent() -> None:
    found = (("dkim", "temperror", "evil.jp"), ("spf", "temperror", "evil.jp"))
    assert judged("example.jp", *found) == ("fail", True)
    assert judged("strict.jp", ("dkim", "temperror", "mail.strict.jp")) == ("fail", True)


def test_a_long_name_asks_eight_questions_at_most() -> None:
    dns = Dns()
    domain = ".".join("abcdefghijkl") + ".example.jp"
    assert asyncio.run(_organization(dns, domain))[0] == "example.jp"
    assert len(dns.asked) == 8
