"""Pure: mail of web forms by the rules `[[form_mail]]`: which rule holds, and what it makes of a mail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gateway.config.rules import FormMail
from gateway.config.types import is_network
from gateway.sender.trust import Verdict, is_trusted
from normalizer.email.forms import Found, Places, find
from normalizer.email.threading import base_subject
from normalizer.message import Claim, Identity, Message


def rule_for(
    rules: Iterable[FormMail], message: Message, peer: str, verdict: Verdict
) -> FormMail | None:
    """The first rule for the address in From that somebody vouches for."""
    sender = next((c.identity.address for c in message.claims if c.source == "from"), "")
    return next(
        (
            rule
            for rule in rules
            if sender and rule.from_.lower() == sender and _is_vouched(rule, peer, verdict)
        ),
        None,
    )


def _is_vouched(rule: FormMail, peer: str, verdict: Verdict) -> bool:
    return any(
        is_trusted(peer, (proof,)) if is_network(proof) else verdict.speaks_for(proof.lower())
        for proof in rule.authenticated_by
    )


def places(rule: FormMail) -> Places:
    """Where the rule looks."""
    return Places(rule.author, rule.name, rule.subject, rule.fields)


def named(rules: Iterable[FormMail], name: str) -> FormMail | None:
    """The rule of that name, or else for that address in From."""
    known = list(rules)
    return next((rule for rule in known if rule.form == name), None) or next(
        (rule for rule in known if rule.from_.lower() == name.lower()), None
    )


def look(rule: FormMail, head: bytes, message: Message) -> Found:
    """What the rule finds in a header block and the text."""
    return find(places(rule), head, message.text)


def opened(message: Message, found: Found) -> Message:
    """The mail as its customer's: the author found is the strongest claim, the subject their own."""
    subject = found.subject or message.subject
    claims = message.claims
    if found.author:
        identity = Identity("email", found.author.address.lower())
        claims = (Claim("form", identity, found.author.name), *claims)
    return replace(message, claims=claims, subject=subject, base_subject=base_subject(subject))
