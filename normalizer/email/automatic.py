"""Did a robot write it, and may it be acknowledged? (RFC 3834, RFC 2369, MS-OXCMAIL 2.2.3.2.14)

Two different questions: a newsletter's person may want no answer and still be a person, and
X-Auto-Response-Suppress is a request, no proof.
"""

from __future__ import annotations

import re

from normalizer.email.headers import Headers
from normalizer.email.structure import Entity
from normalizer.message import AutoKind, Automatic

_LIST = frozenset({
    "list-id", "list-post", "list-help", "list-subscribe", "list-owner", "list-archive",
    "mailing-list", "x-mailing-list", "x-list-id", "x-google-group-id",
})  # fmt: skip
_REPLIED = frozenset({
    "x-autoreply", "x-auto-reply", "x-autorespond", "x-autoresponder", "x-autoreply-from",
    "x-mail-autoreply", "x-amazon-auto-reply", "x-vacation", "x-auto-reply-from",
})  # fmt: skip
_GENERATED = frozenset(
    {"x-auto-generated", "x-fc-machinegenerated", "x-cron-env", "x-github-reason"}
)
_NAMED: tuple[tuple[frozenset[str], AutoKind], ...] = (
    (_REPLIED, "auto-reply"),
    (_GENERATED, "auto-generated"),
    (_LIST, "list"),
)
_BULK = frozenset({"bulk", "list", "junk"})
_PRECEDENCE = ("precedence", "x-precedence")
_NO_REPLY = re.compile(
    r"(?:no|do[-_.]?not|not)[-_.]?reply.*|noreply.*|mailer[-_.]daemon|postmaster|owner-.+|.+-owner"
    r"|.+-request|bounces?(?:[-+_.].*)?|.+-bounces?(?:[-+].*)?|.+-errors|.+-relay|listserv|majordomo"
    r"|autoreply.*|auto[-_.]?reply.*|autoresponder|notifications?(?:[-+].*)?"
)
_DAEMON = re.compile(r"mailer[-_.]daemon|postmaster")
_COMPLAINT = re.compile(
    r"complaint about message from \d|(?:fw: )?\[?abuse report\b|feedback report\b"
)
_AWAY = re.compile(
    r"(?:(?:re|aw|sv|vs|antw|fw|fwd)\s*:\s*)*(?:"
    r"\[?(?:auto(?:matic|mated|matische|matisch)?[ -]?(?:reply|response|replied|respons|antwort)|autoreply|autoresponse)\b"
    r"|auto(?:reply|response)?:|automatisch(?:e[srn]?)? (?:antwort|antwoord)|autosvar|automatiskt svar|automatisk svar"
    r"|automaattinen vastaus|r[ée]ponse automatique|risposta automatica|respuesta autom[áa]tica"
    r"|resposta autom[áa]tica|odpowied[źz] automatyczna|automatyczna odpowied[źz]|automatick[áa] odpov[ěe][ďd]"
    r"|автоматический ответ|автоответ|автоматична відповідь|自動応答|自動返信|自动回复|自動回覆|자동 ?응답"
    r"|out of (?:the )?office|out of the office|i am out of|abwesenheit|abwesend|afwezig|ik ben afwezig"
    r"|absence du bureau|absent du bureau|fuera de la oficina|fora do escrit[óo]rio|fuori sede|fuori ufficio"
    r"|frånvar|fravær|poissa|ooo\b[: -]|vacation (?:reply|response|notice)|on vacation\b|away from (?:my )?(?:mail|email|office)"
    r"|不在(?:通知|連絡|のお知らせ|です)|不在届|休暇中|外出中"
    r")",
    re.IGNORECASE,
)


def judge(
    root: Entity, subject: str, sender: str, *, null_sender: bool, bounced: bool
) -> Automatic:
    """What the header says, strongest evidence first; `sender` is the address of From."""
    reasons: list[str] = []
    kind = _report(root, reasons) or ("dsn" if bounced else None)
    kind = kind or _declared(root.headers, reasons)
    if kind is None and root.headers.ascii("auto-submitted") == "":
        kind = _guessed(root, subject, sender, reasons)
    if null_sender:
        reasons.append("null return path")
        kind = kind or "auto-generated"
    suppressed = _suppressed(root.headers, sender, reasons)
    if bounced and not reasons:
        reasons.append("delivery report")
    is_auto = kind is not None and kind != "human"
    return Automatic(is_auto, kind or "human", is_auto or suppressed, tuple(reasons))


def _report(root: Entity, reasons: list[str]) -> AutoKind | None:
    """RFC 6522: a multipart/report says by itself what it is."""
    if root.type != "multipart/report":
        return _complaint(root, reasons)
    kind = root.parameters.get("report-type", "").lower()
    types = {child.type for child in root.children}
    reasons.append(f"report {kind}".strip())
    if kind == "feedback-report" or "message/feedback-report" in types:
        return "feedback-report"
    if "disposition" in kind or "message/disposition-notification" in types:
        return "mdn"
    if kind == "delivery-status" or "message/delivery-status" in types:
        return "dsn"
    return "auto-generated"


def _complaint(root: Entity, reasons: list[str]) -> AutoKind | None:
    """Microsoft's and Yahoo's complaint loops do not use RFC 5965's type."""
    whole = any(child.type == "message/rfc822" for child in root.children)
    if whole and _COMPLAINT.match(root.headers.ascii("subject")):
        reasons.append("complaint about a message")
        return "feedback-report"
    return None


def _declared(headers: Headers, reasons: list[str]) -> AutoKind | None:
    """Auto-Submitted (RFC 3834 section 5): `no` is a person's word, anything else a robot's."""
    value = headers.ascii("auto-submitted")
    keyword = re.split(r"[\s;(]", value, maxsplit=1)[0]
    if not keyword or keyword == "no":
        return None
    reasons.append(f"Auto-Submitted: {keyword[:40]}")
    return "auto-reply" if "repl" in keyword else "auto-generated"


def _guessed(root: Entity, subject: str, sender: str, reasons: list[str]) -> AutoKind | None:
    headers = root.headers
    precedence = " ".join(headers.ascii(name) for name in _PRECEDENCE if name in headers)
    if "auto" in precedence:
        reasons.append(f"Precedence: {precedence[:40]}")
        return "auto-reply"
    for names, kind in _NAMED:
        present = headers.first(names)
        if present and headers.ascii(present) != "no":
            reasons.append(present)
            return _away(subject, reasons) or kind
    return _away(subject, reasons) or _machine(root, precedence, sender, reasons)


def _away(subject: str, reasons: list[str]) -> AutoKind | None:
    if not _AWAY.match(subject):
        return None
    reasons.append("subject of an absence notice")
    return "auto-reply"


def _machine(root: Entity, precedence: str, sender: str, reasons: list[str]) -> AutoKind | None:
    headers = root.headers
    if _BULK & set(precedence.split()):
        reasons.append(f"Precedence: {precedence[:40]}")
        return "bulk"
    if "list-unsubscribe" in headers:
        reasons.append("list-unsubscribe")
        return "bulk"
    if "x-loop" in headers:
        reasons.append("x-loop")
        return "auto-generated"
    if _DAEMON.fullmatch(sender.lower().partition("@")[0]):
        reasons.append("mail daemon")
        return "auto-generated"
    if any(_is_answer(entity) for entity in _walk(root)):
        reasons.append("calendar answer")
        return "auto-generated"
    return None


def _walk(root: Entity) -> list[Entity]:
    found = [root]
    for entity in found:
        found.extend(entity.children)
    return found


def _is_answer(entity: Entity) -> bool:
    """RFC 5546: somebody pressed accept or decline; the calendar wrote the mail."""
    return entity.type == "text/calendar" and entity.parameters.get("method", "").lower() == "reply"


def _suppressed(headers: Headers, sender: str, reasons: list[str]) -> bool:
    before = len(reasons)
    asked = headers.ascii("x-auto-response-suppress")
    if any(word.strip() in {"all", "autoreply", "oof"} for word in asked.split(",")):
        reasons.append("X-Auto-Response-Suppress")
    if _NO_REPLY.fullmatch(sender.lower().partition("@")[0]):
        reasons.append("address that takes no mail")
    return len(reasons) > before
