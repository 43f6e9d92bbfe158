"""Machines that report: bounces of all shapes, receipts, calendars, complaints, greylists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from tests.zoo.beings import HOUR, SOON, Being, Headers, re, threaded
from tests.zoo.world import Heard, Post

_REPORT = 'multipart/report; report-type={}; boundary="b"'


def _report(kind: str, said: str, machine: str, heard: Heard) -> str:
    """RFC 6522: what a person reads, what a machine reads, and the mail that it is about."""
    head = heard.raw.decode().partition("\r\n\r\n")[0]
    return (
        f"--b\r\nContent-Type: text/plain\r\n\r\n{said}\r\n"
        f"--b\r\nContent-Type: message/{kind}\r\n\r\n{machine}\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\n{head}\r\n--b--"
    )


def _status(heard: Heard, action: str, status: str) -> str:
    return (
        f"Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; {heard.to}\r\n"
        f"Action: {action}\r\nStatus: {status}"
    )


class Bounce(Being):
    """RFC 3464, from the null path."""

    path: ClassVar[str] = "<>"
    action: ClassVar[tuple[str, str]] = ("failed", "5.1.1")

    def answers(self, heard: Heard) -> Iterator[Post]:
        body = _report("delivery-status", "No such user.", _status(heard, *self.action), heard)
        by = f"MAILER-DAEMON@{self.domain}"
        headers: Headers = {
            "MIME_Version": "1.0",
            "Content_Type": _REPORT.format("delivery-status"),
        }
        yield self.post(
            "Undelivered Mail Returned to Sender", body, by=by, path=self.path, **headers
        )


class RealPathBounce(Bounce):
    """The same with a return path of its own, so that bounces may bounce."""

    path = "postmaster@mx.example"


class Delayed(Bounce):
    """`Not yet`, every few hours."""

    action = ("delayed", "4.4.1")


class Qmail(Being):
    """A text that only people understand."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        said = (
            f"Hi. This is the qmail-send program at {self.domain}.\nI'm afraid I wasn't able to"
            " deliver your message to the following addresses.\nThis is a permanent error; I've"
            f" given up. Sorry it didn't work out.\n\n<{heard.to}>:\nNo mailbox here by that name.\n\n"
            "--- Below this line is a copy of the message.\n\n"
        )
        by = f"MAILER-DAEMON@{self.domain}"
        yield self.post("failure notice", said + heard.raw.decode(), by=by, path="<>")


class ExchangeNdr(Being):
    """Microsoft's, without the report's type."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        said = f"Delivery has failed to these recipients or groups:\n\n{heard.to}\n#550 5.1.1"
        by = f"postmaster@{self.domain}"
        yield self.post(f"Undeliverable: {heard.subject}", said, by=by, path="<>")


class PoliteBounce(Being):
    """A home-made bounce from a plain address, without any sign but its words."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        said = f"Your mail could not be delivered: mailbox {self.address} is full.\n\n{heard.text}"
        yield self.post(f"Mail delivery failed: returning message {self.count}", said)


class BounceOfBounce(Being):
    """Each answer of ours bounces, and the bounce's bounce comes to us as well."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        body = _report("delivery-status", "Failed.", _status(heard, "failed", "5.2.2"), heard)
        headers: Headers = {
            "MIME_Version": "1.0",
            "Content_Type": _REPORT.format("delivery-status"),
        }
        for n, path in enumerate(("<>", f"bounce+{self.count}@{self.domain}", self.address)):
            by = f"postmaster@mx{n}.{self.domain}"
            yield self.post(
                "Returned mail: see transcript", body, n * SOON, by=by, path=path, **headers
            )


class ReadReceipt(Being):
    """RFC 8098, though we ask for none."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        machine = f"Final-Recipient: rfc822; {heard.to}\r\nDisposition: manual-action; displayed"
        body = _report("disposition-notification", "It was read.", machine, heard)
        headers: Headers = {
            "MIME_Version": "1.0",
            "Content_Type": _REPORT.format("disposition-notification"),
        }
        yield self.post(f"Read: {heard.subject}", body, **headers)


class Calendar(Being):
    """Accepts each mail of ours as if it were an invitation."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        body = "BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nEND:VCALENDAR"
        kind: Headers = {"MIME_Version": "1.0", "Content_Type": "text/calendar; method=REPLY"}
        yield self.post(f"Accepted: {heard.subject}", body, **kind)


class Complaint(Being):
    """An abuse report on each mail (RFC 5965)."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        machine = "Feedback-Type: abuse\r\nUser-Agent: Loop/1.0\r\nVersion: 1"
        body = _report("feedback-report", "This is spam.", machine, heard)
        headers: Headers = {
            "MIME_Version": "1.0",
            "Content_Type": _REPORT.format("feedback-report"),
        }
        yield self.post(f"FW: {heard.subject}", body, by=f"staff@{self.domain}", **headers)


class Greylisted(Being):
    """Whatever it sends comes three times, hours apart: its own server saw no 250."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        answer = self.post(re(heard), "Thank you, noted.", **threaded(heard))
        for hours in (0, 1, 4):
            yield answer._replace(after=SOON + hours * HOUR)


class Challenge(Being):
    """Wants us to prove that we are human, each time with a new code."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        said = f"Please confirm that you are human: https://{self.domain}/c/{self.count * 7919}"
        by = f"confirm+{self.count * 7919}@{self.domain}"
        yield self.post(f"Please confirm your mail [{self.count * 7919}]", said, by=by)
