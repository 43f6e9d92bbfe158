"""The mails of the load tests: realistic in shape, every one with bytes of its own."""

from __future__ import annotations

import email.utils
import quopri
import random
from base64 import b64encode
from typing import NamedTuple

SIZES = {"4k": 4096, "40k": 40960}
CUSTOMERS = 1000
VARIANTS = 16
RECIPIENT = b"support@example.com"
VOCABULARY = (
    "the order parcel invoice account address delivery window please kindly could would today "
    "yesterday tomorrow number colour size return refund exchange arrived missing damaged wrong "
    "blue green small large because however although question answer thanks regards again "
    "payment card bank transfer receipt warranty repair replacement courier Tuesday morning "
    "afternoon button page error message screen printer cable battery charger manual café über"
)
WORDS = VOCABULARY.split()
KANA = "お世話になっております。注文した商品がまだ届きません。配送状況を教えてください。"


class Mail(NamedTuple):
    """One mail as it goes over the wire, end-of-data included."""

    sender: bytes
    message_id: str
    data: bytes


class Series:
    """An endless series of distinct mails of one kind, cheap to draw from.

    Templates are made once; a mail is a template's pieces with its number between them. Number
    `i` of a `run` is always the same mail, written by customer `i mod 1,000`.
    """

    def __init__(self, kind: str, run: str) -> None:
        draw = random.Random(kind)
        date = email.utils.formatdate()
        self.run = run
        self._templates = [_template(kind, draw, i, date) for i in range(VARIANTS)]

    def message_id(self, index: int) -> str:
        return f"{self.run}.{index}@customers.example"

    def mail(self, index: int) -> Mail:
        customer, message_id = b"c%d" % (index % CUSTOMERS), self.message_id(index)
        token = b"%b-%d" % (self.run.encode(), index)
        fields = {b"C": customer, b"I": message_id.encode(), b"N": token}
        pieces = self._templates[index % VARIANTS]
        data = b"".join([fields.get(piece, piece) for piece in pieces])
        return Mail(customer + b"@customers.example", message_id, data)


def _template(kind: str, draw: random.Random, variant: int, date: str) -> list[bytes]:
    """Pieces of a mail; single letters stand for customer, Message-ID and number."""
    size = SIZES[kind]
    rich = kind == "40k"
    head = _head(draw, date, japanese=rich and variant % 4 == 3)
    body = _alternative(draw, size - len(head)) if rich else _plain(draw, size - len(head), variant)
    text = (head + body).replace("\r\n.", "\r\n..") + "\r\n.\r\n"
    return [piece.encode("ascii") for piece in text.split("\x00")]


def _head(draw: random.Random, date: str, *, japanese: bool) -> str:
    subject = (
        "商品が届きません" if japanese else f"Über {draw.choice(WORDS)} und {draw.choice(WORDS)}"
    )
    return "\r\n".join(
        [
            "Received: from desk.customers.example (desk.customers.example [192.0.2.44])",
            "\tby mx.customers.example with ESMTPS id \x00N\x00",
            f"\tfor <{RECIPIENT.decode()}>; {date}",
            "From: " + _word("Frau Müller") + " \x00C\x00 <\x00C\x00@customers.example>",
            f"To: Example Support <{RECIPIENT.decode()}>",
            f"Subject: {_word(subject)} \x00N\x00",
            f"Date: {date}",
            "Message-ID: <\x00I\x00>",
            "MIME-Version: 1.0",
            f"User-Agent: Correspondent/{draw.randint(3, 9)}.{draw.randint(0, 20)}",
            "",
        ]
    )


def _word(text: str) -> str:
    """An encoded word (RFC 2047 section 2)."""
    return f"=?utf-8?B?{b64encode(text.encode()).decode()}?="


def _plain(draw: random.Random, size: int, variant: int) -> str:
    if variant % 2:
        text = _prose(draw, size - 200).encode("ascii", "ignore").decode()
        head = "Content-Type: text/plain; charset=us-ascii\r\n\r\n"
        return head + "Reference \x00N\x00\r\n" + _wrapped(text)
    head = (
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"
    )
    return head + "\r\nReference \x00N\x00\r\n" + _quoted(_prose(draw, size - 400))


def _alternative(draw: random.Random, size: int) -> str:
    """A multipart/alternative mail: a third of it text, the rest HTML."""
    text = _quoted(_prose(draw, size * 3 // 10) + "\n\n" + KANA)
    rows = "\n".join(
        f'<tr><td style="padding:4px"><b>{draw.choice(WORDS)}</b></td><td>{_prose(draw, 300)}</td></tr>'
        for _ in range(size * 6 // 10 // 400)
    )
    page = f"<html><head><style>td {{ color: #333 }}</style></head><body><p>{KANA}</p><table>{rows}"
    edge = f"edge{draw.getrandbits(64):016x}"
    part = "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    return (
        f'Content-Type: multipart/alternative; boundary="{edge}"\r\n\r\n'
        f"--{edge}\r\nContent-Type: text/plain; charset=utf-8\r\n{part}"
        f"Reference \x00N\x00\r\n{text}\r\n"
        f"--{edge}\r\nContent-Type: text/html; charset=utf-8\r\n{part}"
        f"<!-- \x00N\x00 -->\r\n{_quoted(page)}</table></body></html>\r\n"
        f"--{edge}--\r\n"
    )


def _prose(draw: random.Random, size: int) -> str:
    sentences: list[str] = []
    length = 0
    while length < size:
        sentence = " ".join(draw.choices(WORDS, k=draw.randint(5, 14))).capitalize() + "."
        sentences.append(sentence + ("\n\n" if draw.random() < 0.15 else " "))
        length += len(sentences[-1])
    return "Hello,\n\n" + "".join(sentences) + "\n\nKind regards\nFrau Mueller\n"


def _quoted(text: str) -> str:
    return quopri.encodestring(text.encode()).decode("ascii").replace("\n", "\r\n")


def _wrapped(text: str) -> str:
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            if len(line) + len(word) > 72:
                lines.append(line)
                line = ""
            line = f"{line} {word}" if line else word
        lines.append(line)
    return "\r\n".join(lines) + "\r\n"
