"""Pure: a vote from a survey's page as an arrival like any other."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from gateway.record import storable
from gateway.surveys.scale import PAGE, Scale, Vote
from gateway.surveys.scale import pressed as score_of
from normalizer.language import detect
from normalizer.message import Claim, Identity, Message, Transport
from store.known import Arrival, Author, Raw, Token
from store.rows import instant
from store.surveys import Asked

_WHY: Final = "the link of a survey that went to this address"


def read(fields: Mapping[str, str], scale: Scale) -> Vote | None:
    """What was chosen and written; None as long as no score was."""
    score = score_of(f"vote:{fields.get('score', '')}", scale)
    comment = storable(fields.get("comment", "").replace("\r\n", "\n").strip())
    return None if score is None else Vote(score, comment)


def arrival(asked: Asked, vote: Vote, at: datetime) -> Arrival:
    """With the survey's own token, which is as good as a mail that answers it, and no better."""
    text = f"{vote.score}\n\n{vote.comment}".strip()
    raw = f"{asked.survey.id}\n{text}".encode()
    sha256 = hashlib.sha256(raw).hexdigest()
    writer = Identity.parse(asked.address)
    unit = f"survey:{asked.survey.id}:{instant(at)}"
    message = Message(
        claims=(Claim("from", writer, asked.name),),
        subject=asked.subject,
        date=at,
        text=text,
        reply_text=text,
        language=detect(vote.comment) if vote.comment else asked.language,
        pressed=f"vote:{vote.score}",
        fingerprint=unit,
    )
    return Arrival(
        channel=asked.channel,
        unit=unit,
        received_at=at,
        transport=Transport(),
        format=PAGE,
        raw=Raw(sha256, len(raw), raw),
        message=message,
        author=Author(writer, asked.name, False, _WHY),
        tokens=(Token(asked.survey.case_id, asked.survey.id),),
    )
