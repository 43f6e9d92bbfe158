"""Pure: who wrote. From is a claim, and often not the writer's."""

from __future__ import annotations

import re
from collections.abc import Collection

from gateway.sender.trust import Verdict
from normalizer.email.forms import Found
from normalizer.message import Claim, Identity, Message
from store.known import Author

# Mailing lists put the writer's name and their own address into From, so that DMARC holds:
# "Yuki via Support" (Google Groups, Mailman), 「ゆき 経由 サポート」.
_VIA = re.compile(r"\bvia\b|経由", re.IGNORECASE)

_ROBOT = re.compile(
    r"(?:owner-.*|.*-(?:request|owner|errors|bounces?|relay)"
    r"|mailer-daemon|postmaster|(?:no|do-?not)[-_.]?reply.*|.*[-_.]no-?reply"
    r"|bounces?(?:[-+_].*)?|daemon|autoreply|auto-reply)\Z",
    re.IGNORECASE,
)


def is_robot(address: str) -> bool:
    """Whether an address is one that nobody reads (RFC 3834 section 2, and the customs since)."""
    return _ROBOT.match(address.rpartition("@")[0]) is not None


def fold(address: str) -> str:
    """The person behind the ways to write an address: for budgets, never for identities."""
    local, _, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0].replace('.', '')}@{domain}"


def untagged(identity: Identity) -> Identity:
    """An address without its plus tag: how we recognise our own."""
    local, at, domain = identity.address.lower().rpartition("@")
    return Identity(identity.kind, f"{local.partition('+')[0]}{at}{domain}")


def is_ours(identity: Identity, own: Collection[Identity]) -> bool:
    """Whether an address is one of our own, plus-tagged or as it is written in the configuration."""
    return untagged(identity) in own or identity in own


def resolve(
    message: Message, own: Collection[Identity], verdict: Verdict, form: Found | None = None
) -> Author:
    """The author of a message, or why nobody can say; `form` is what a vouched-for form tells.

    Without an identity the message becomes a customer of its own, so that two people behind one
    address never meet in a conversation.
    """
    if form is not None:
        return _by_form(form, own)
    claims = {claim.source: claim for claim in reversed(message.claims)}
    if platform := claims.get("platform"):
        return Author(platform.identity, platform.name, True, "the platform knows the sender")
    first = claims.get("from")
    if first is None:
        return _somebody(message, own)
    if is_ours(first.identity, own):
        return Author(None, first.name, reason="From is our own address: a form, a list or a copy")
    if _is_rewritten(message, first, claims):
        return Author(
            None, first.name, reason="From is a mailing list's: nobody vouches for the writer"
        )
    other = claims.get("reply-to")
    if other and not verdict.authenticated and _elsewhere(first, other):
        pair = Identity("form", f"{first.identity.address}>{other.identity.address}")
        return Author(
            pair, other.name or first.name, reason="From with a Reply-To elsewhere: a form, perhaps"
        )
    return Author(first.identity, first.name, verdict.authenticated, verdict.reason)


def _by_form(form: Found, own: Collection[Identity]) -> Author:
    """Never the form's own address, behind which all its customers would meet."""
    if form.author is None:
        return Author(None, reason="a form that names nobody, or several")
    identity = Identity("email", form.author.address.lower())
    if is_ours(identity, own):
        return Author(None, form.author.name, reason="a form that names our own address")
    return Author(
        identity, form.author.name, reason="a form's customer: anybody may type an address"
    )


def _somebody(message: Message, own: Collection[Identity]) -> Author:
    only = message.claims[0] if len(message.claims) == 1 else None
    if only and only.source == "envelope" and not is_ours(only.identity, own):
        return Author(
            only.identity, reason="the envelope's sender: the mail itself could not be read"
        )
    return Author(None, reason="From is missing, malformed or names several mailboxes")


def _is_rewritten(message: Message, first: Claim, claims: dict[str, Claim]) -> bool:
    if "x-original-from" in claims:
        return True
    return message.automatic.kind == "list" and (
        _VIA.search(first.name) is not None
        or first.identity.address in {a.address.lower() for a in (*message.to, *message.cc)}
    )


def _elsewhere(first: Claim, other: Claim) -> bool:
    domain = first.identity.address.rpartition("@")[2]
    return other.identity.address.rpartition("@")[2] != domain
