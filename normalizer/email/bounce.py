"""Delivery reports: is it one, who was not reached, for good or for now, and which mail it was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from normalizer.email import delivery_status, notice, ses, structure, threading, transfer
from normalizer.email.headers import split
from normalizer.email.structure import Entity
from normalizer.message import Bounce, FailedRecipient

_MESSAGE_ID = re.compile(r"^[> \t]*Message-ID:\s{0,3}(<[^<>\s]+>)", re.IGNORECASE | re.MULTILINE)
MAX_REPORT = 64 * 1024
MAX_SUBJECT = 1000

_DAEMON = re.compile(
    r"mailer[-_. ]?daemon|post[-_.]?master|mail\W?deliver|mdaemon|delivery\W?sub|system administrator|imss|bounce",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"undeliver|non[- ]?deliver|deliver\w*\W{1,3}(?:status|fail|problem|error|report|delay|has failed)|fail\w* (?:notice|to deliver)|returned mail|returning message"
    r"|(?:mail|message)\W(?:\w+\W){0,2}(?:fail|undeliver|delayed|could not)|warning: (?:message|could not)|delivery failed|could not be delivered|not delivered"
    r"|mail system error|error mail|permanent (?:delivery )?fail|rejected mail|unzustellbar|nicht zustellbar|non remis|non consegn|nedoruč|no se puede entregar"
    r"|失敗|配信(?:不能|エラー)|送信(?:エラー|できません)|メールエラー|エラーメール|宛先不明|不達|退信|傳遞失敗|投递失败|传输失败|не доставлен|not member|undelivered",
    re.IGNORECASE,
)  # fmt: skip
# Addresses from which only programs write.
_SERVICE = re.compile(
    r"(?:no|do[-_.]?not)[-_.]?reply|[^@]+-(?:admin|owner|request|bounces)@|[^@]*(?:smtp|mail[-_.]?(?:service|system|error|admin))",
    re.IGNORECASE,
)
_RETURNED = frozenset({"message/rfc822", "text/rfc822-headers"})
_ANSWERED = re.compile(r"^\s*(?:re|aw|fwd?|wg|tr|rv)\s*:", re.IGNORECASE)
_DEAD_STATUS = re.compile(r"5\.(?:1\.(?:[0-36]|10|351)|2\.1|4\.4|5\.0)")
_DEAD = re.compile(
    r"user unknown|unknown user|no such (?:user|recipient|mailbox|address|domain)|user not (?:found|listed)|not listed in|unknown (?:recipient|or illegal)"
    r"|unrout(?:e)?able|host (?:or domain name )?(?:unknown|not found)|does ?n[o']t (?:exist|have a)|invalid (?:final|recipient|mailbox|user|address|domain)|no mailbox here|recipient (?:not found|name is not recognized)"
    r"|account (?:has been|is) (?:disabled|discontinued)|couldn't find any host|not known|domain is not reachable|no longer|見つか|存在しない|リストにありません",
    re.IGNORECASE,
)  # fmt: skip
_ALIVE = re.compile(
    r"quota|mailbox (?:is )?full|full mailbox|too large|size (?:limit|exceed)|blocked|blacklist|spam|dmarc|spf|policy|denied|relay|reverse dns|ptr record|rejected due|content"
    r"|timed? ?out|timeout|try again|temporar|virus|frozen|not a member",
    re.IGNORECASE,
)  # fmt: skip


def read(root: Entity, subject: str, sender: str, text: str, recipient: str = "") -> Bounce | None:
    """The report, when the mail is one; `recipient` is whom the mail was sent to."""
    if ses.is_notice(text):
        told = ses.read(text)
        return _bounce(told, [], "", ses.original_message_id(text)) if told else None
    status_text = _status_text(root, sender)
    if status_text is None and not _suspicious(root, subject, sender):
        return None
    failed = delivery_status.read(status_text) if status_text else ()
    report = notice.lines(text[:MAX_REPORT])
    if not failed and status_text is None:
        failed = delivery_status.read("\n".join(report)) if "ecipient:" in text else ()
        if not failed and not _is_notice(root, subject, sender, report):
            return None
    if not failed:
        ours = frozenset((sender.lower(), recipient.lower()))
        failed = _from_text(root, [*report, *(status_text or "").split("\n")[:100]], ours)
    if not failed and "Final-Recipient" in text:
        # A report that came back inside a report.
        failed = delivery_status.read(text[:MAX_REPORT])
    return _bounce(failed, report, subject, _original(root, text[:MAX_REPORT]))


def _entities(root: Entity) -> Iterator[Entity]:
    yield root
    for child in root.children:
        yield from _entities(child)


def _status_text(root: Entity, sender: str) -> str | None:
    """The machine-readable parts; nothing when there are none."""
    if not root.children:
        return None
    found = [e for e in _entities(root) if e.type.endswith("delivery-status")]
    if not found and by_machine(root, sender):
        # A gateway that scans mail sends the report on as an attachment of its own.
        inner = (_opened(e) for e in root.children if e.type == "message/rfc822")
        found = [e for report in inner for e in report if e.type.endswith("delivery-status")]
    return "\n\n".join(_decoded(e) for e in found) if found else None


def _opened(entity: Entity) -> Iterator[Entity]:
    report, _ = structure.parse(entity.body[:MAX_REPORT])
    if report.type == "multipart/report":
        yield from _entities(report)


def _decoded(entity: Entity) -> str:
    encoding = entity.headers.ascii("content-transfer-encoding")
    data = entity.body[:MAX_REPORT]
    return (
        (transfer.decode(data, encoding) if encoding else data)
        .decode("utf-8", "replace")
        .replace("\0", "")
    )


def _suspicious(root: Entity, subject: str, sender: str) -> bool:
    headers = root.headers
    return (
        "x-failed-recipients" in headers
        or not sender
        or root.type == "multipart/report"
        or bool(_DAEMON.search(headers.raw("from").decode("latin-1")))
        or bool(_SUBJECT.search(subject[:MAX_SUBJECT]))
        or any(child.type == "message/rfc822" for child in root.children)
    )


def by_machine(root: Entity, sender: str) -> bool:
    """Whether anything but its words says that a server wrote this.

    Customers of a shop write `not delivered` every day, and some forward a report to ask about it.
    """
    headers = root.headers
    return (
        not sender
        or root.type == "multipart/report"
        or "x-failed-recipients" in headers
        or headers.raw("return-path").replace(b" ", b"") == b"<>"
        or headers.ascii("precedence") in {"bulk", "junk", "auto_reply"}
        or headers.ascii("auto-submitted").startswith("auto")
        or bool(_DAEMON.search(headers.raw("from").decode("latin-1")))
        or bool(_SERVICE.match(sender[:200]))
    )


def _is_notice(root: Entity, subject: str, sender: str, report: list[str]) -> bool:
    """A server wrote, and two of three hold: a daemon did, the subject or the text says failure."""
    headers = root.headers
    if "x-failed-recipients" in headers:
        return True
    daemon = not sender or bool(_DAEMON.search(headers.raw("from").decode("latin-1")))
    said = _says(report)
    if headers.ascii("auto-submitted").startswith("auto-replied"):
        return daemon and said
    if not by_machine(root, sender) or (headers.raw("in-reply-to") and not daemon):
        return False
    answer = bool(_ANSWERED.match(subject)) and "references" in headers
    failure = bool(_SUBJECT.search(subject[:MAX_SUBJECT])) and not answer
    returned = any(child.type in _RETURNED for child in root.children)
    return daemon + failure + said >= 2 or (said and returned)


def _says(report: list[str]) -> bool:
    return bool(notice.FAILED.search("\n".join(report)))


def _from_text(
    root: Entity, report: list[str], ours: frozenset[str]
) -> tuple[FailedRecipient, ...]:
    named = root.headers.raw("x-failed-recipients").decode("utf-8", "replace")
    addresses = tuple(notice.ADDRESS.findall(named)) or notice.recipients(report, ours)
    return tuple(
        FailedRecipient(address) for address in addresses[: delivery_status.MAX_RECIPIENTS]
    )


def _bounce(
    failed: tuple[FailedRecipient, ...], report: list[str], subject: str, original: str
) -> Bounce:
    said = "\n".join(report)
    details = " ".join(item.diagnostic for item in failed)
    action = next((item.action for item in failed if item.action), "")
    status = next((item.status for item in failed if item.status), "")
    if not status or status.endswith(".0.0"):
        spoken = delivery_status.status_of(said)
        status = spoken if spoken and not spoken.startswith("2") else status
    delay = action == "delayed" or (not action and notice.is_delay(subject + "\n" + said))
    action = action or ("delayed" if delay else "failed")
    digit = status[:1] or ("4" if delay else delivery_status.reply_class(details or said) or "5")
    final = action in {"failed", "delayed"}
    return Bounce(
        recipients=tuple(item._replace(action=item.action or action) for item in failed),
        status=status,
        action=action,
        permanent=digit == "5" if final else None,
        kind=_kind(status, digit, details or said) if final else "",
        original_message_id=original,
    )


def _kind(status: str, digit: str, words: str) -> Literal["hard", "soft"]:
    """Hard means that the address is dead, which the class of the status does not tell."""
    if _ALIVE.search(words) or (digit == "4" and not status.startswith("4.1.1")):
        return "soft"
    return "hard" if _DEAD.search(words) or _DEAD_STATUS.fullmatch(status) else "soft"


def _original(root: Entity, text: str) -> str:
    """The Message-ID of the mail that came back, as a part or at the end of the text."""
    for entity in _entities(root):
        if entity.type in {"message/rfc822", "text/rfc822-headers", "message/rfc822-headers"}:
            found = split(entity.body[:MAX_REPORT])[0].raw("message-id")
            if found:
                return threading.message_id(found)
    inside = _MESSAGE_ID.search(text)
    return threading.message_id(inside[1].encode()) if inside else ""
