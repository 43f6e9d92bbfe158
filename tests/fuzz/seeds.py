"""Where the fuzzer begins: the project's own samples as whole mails, and the words of the grammar."""

from __future__ import annotations

from collections.abc import Iterator

from tests.corpus import bounces, everyday, pages, replies_ja, replies_west, robots
from tests.corpus.clients import CLIENTS, write

WORDS = (
    b"From: ", b"To: ", b"Cc: ", b"Reply-To: ", b"Subject: ", b"Date: ", b"References: ",
    b"Content-Type: ", b"multipart/mixed; boundary=B", b"multipart/report; report-type=delivery-status",
    b"message/rfc822", b"message/delivery-status", b"text/html", b"text/calendar", b"--B\n", b"--B--",
    b"Content-Transfer-Encoding: base64", b"quoted-printable", b"begin 644 a\n", b"charset=iso-2022-jp",
    b"charset=utf-7", b"filename*0*=utf-8''", b"=?utf-8?B?", b"=?iso-2022-jp?Q?", b"?=", b"\x1b$B", b"\x1b(B",
    b"Auto-Submitted: auto-replied", b"Final-Recipient: rfc822; ", b"Status: 5.1.1", b"format=flowed",
    b"\n\n", b"\r\n", b"\n> ", b" wrote:\n", b"-----Original Message-----", b"<div>", b"</div>", b"<!--",
    b"\x78\x9f\x3e\x22", b"<blockquote>", b"<!DOCTYPE", b"&#x", b"winmail.dat", b'"', b"<a@b>",
)  # fmt: skip


def seeds() -> Iterator[bytes]:
    """One mail for each sample of tests/corpus."""
    for client in CLIENTS:
        yield write("Hello", client=client)
    for _, client, below in replies_ja.REPLIES:
        yield write(f"{replies_ja.NEW}\n\n{below}\n", client=client)
    for _, client, new, below in replies_west.REPLIES:
        yield write(f"{new}\n\n{below}\n", client=client)
    yield from (write(text) for _, text in replies_west.KEPT)
    yield from (write(sample[1]) for sample in replies_west.INLINE)
    yield from (sample[2].encode() for sample in (*robots.ROBOTS, *robots.PEOPLE))
    yield from (sample[-1].encode() for sample in bounces.BOUNCES)
    yield from (raw for _, raw, _ in everyday.MAILS)
    for _, page in pages.PAGES:
        yield b"From: a@b.example\nContent-Type: text/html; charset=utf-8\n\n" + page.encode()
