"""Mail (RFC 5322, MIME) into a Message: START HERE, one call for each grammar.

Total and pure. Every octet of the mail stays in the stored raw mail, so a later version can read
it again; what is too large or too deep is passed over with a word in `defects`.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from normalizer import language
from normalizer.email import (
    address,
    author,
    automatic,
    body,
    bounce,
    chains,
    dates,
    forwarded,
    reply,
    seals,
    structure,
    threading,
    words,
)
from normalizer.email.headers import Headers, unfold
from normalizer.message import Address, Automatic, Bounce, Envelope, Message

# RFC 5321 section 6.3: a mail that went through more hosts than this goes in circles.
MAX_RECEIVED = 100

_TRACE = frozenset(
    {
        *("received", "authentication-results"),
        *("x-spam", "x-spam-flag", "x-spam-status", "x-spam-level", "x-spamd-result"),
        "x-forefront-antispam-report",
    }
)


def read(envelope: Envelope) -> tuple[Message, ...]:
    """The one message of a mail. A spooled envelope is loaded by the worker before this."""
    raw = _loaded(envelope)
    data = _line_ends(raw)
    root, defects = structure.parse(data)
    contents = body.collect(root)
    hints = contents.hints
    headers = root.headers
    subject = words.decode(headers.raw("subject"), hints)
    from_ = _mailboxes(headers, "from", hints)
    sender = from_[0].address if from_ else ""
    to = _mailboxes(headers, "to", hints)
    report = bounce.read(root, subject, sender, contents.text, to[0].address if to else "")
    spans = reply.label(contents.text, forwarded=threading.is_forward(subject))
    new = reply.new_text(contents.text, spans)
    mail = seals.Mail(data, root.start)
    passed_on = () if report else forwarded.claims(root, contents.text, spans, hints)
    return (
        Message(
            message_id=threading.message_id(headers.raw("message-id")),
            in_reply_to=next(iter(threading.references(headers.raw("in-reply-to"))), ""),
            references=threading.references(headers.raw("references")),
            from_=from_,
            to=to,
            cc=_mailboxes(headers, "cc", hints),
            reply_to=_mailboxes(headers, "reply-to", hints),
            claims=author.claims(headers, hints) + passed_on,
            subject=subject,
            base_subject=threading.base_subject(subject),
            date=_date(headers),
            text=contents.text,
            html=contents.html,
            reply_text=new,
            spans=spans,
            language=language.detect(new or subject),
            parts=tuple(contents.parts),
            automatic=_automatic(root, subject, sender, report),
            bounce=report,
            mentions=threading.mentions(subject, new),
            trace=_trace(headers),
            seals=seals.find(headers, mail),
            chain=chains.find(headers, mail),
            defects=_defects(headers, [*defects, *contents.defects], raw),
            fingerprint=_fingerprint(raw, data, root),
        ),
    )


def _automatic(
    root: structure.Entity, subject: str, sender: str, report: Bounce | None
) -> Automatic:
    return automatic.judge(
        root,
        subject,
        sender,
        null_sender=root.headers.raw("return-path").replace(b" ", b"") == b"<>",
        bounced=report is not None and bounce.by_machine(root, sender),
    )


def _loaded(envelope: Envelope) -> bytes:
    if not isinstance(envelope.raw, bytes):
        raise TypeError("a spooled mail is loaded before it is read")
    return envelope.raw


def _line_ends(raw: bytes) -> bytes:
    """LF line ends, so that a mail reads the same however it was carried."""
    if b"\r" not in raw:
        return raw
    data = raw.replace(b"\r\n", b"\n")
    return data.replace(b"\r", b"\n") if b"\n" not in data else data


def _mailboxes(headers: Headers, name: str, hints: tuple[str, ...]) -> tuple[Address, ...]:
    values = headers.all(name)
    if len(values) == 1:
        return address.parse(unfold(values[0]), hints)
    return tuple(
        mailbox for value in values[:50] for mailbox in address.parse(unfold(value), hints)
    )


def _date(headers: Headers) -> datetime | None:
    """Of several dates the first that is complete."""
    found = [words.decode(unfold(value)) for value in headers.all("date")[:10]]
    whole = [value for value in found if dates.is_whole(value)] if len(found) > 1 else found
    return next((date for date in map(dates.parse, whole or found) if date), None)


def _trace(headers: Headers) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name, " ".join(value.decode("utf-8", "replace").split()))
        for name, value in headers.pairs
        if name in _TRACE
    )[: 2 * MAX_RECEIVED]


def _defects(headers: Headers, found: list[str], raw: bytes) -> tuple[str, ...]:
    checks = (
        ("too-many-received", len(headers.all("received")) > MAX_RECEIVED),
        ("missing-from", "from" not in headers),
        ("several-from", len(headers.all("from")) > 1),
        ("missing-message-id", "message-id" not in headers),
        ("empty", not raw.strip()),
    )
    return tuple(dict.fromkeys([*found, *(name for name, holds in checks if holds)]))


def _fingerprint(raw: bytes, data: bytes, root: structure.Entity) -> str:
    """Equal for copies of one mail: trace headers and line ends do not count."""
    headers = root.headers
    if not headers.raw("message-id"):
        return sha256(raw).hexdigest()
    digest = sha256()
    for name in ("message-id", "from", "date", "subject"):
        digest.update(b" ".join(headers.raw(name).split()) + b"\n")
    digest.update(memoryview(data)[root.start :])
    return digest.hexdigest()
