"""Help desks and other offices that confirm everything: ticket systems, surveys, notifications."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from tests.zoo.beings import SOON, Being, Headers, quoted, re, threaded
from tests.zoo.world import Heard, Post

_CONFIRMED = (
    "Thank you for getting in touch. Your request has been received and is now waiting for a member"
    " of our staff. We usually answer within one working day."
)


class TicketDesk(Being):
    """A ticket, a number, a new address each time; no header says that a machine wrote it."""

    local = "helpdesk"

    def answers(self, heard: Heard) -> Iterator[Post]:
        ticket = 48100 + self.number * 100 + self.count
        by = f"Help Desk <ticket-{ticket}@{self.domain}>"
        yield self.post(
            f"[#{ticket}] Your request was received", f"Ticket {ticket}. {_CONFIRMED}", by=by
        )


class QuotingDesk(TicketDesk):
    """The same, under our subject and with our text below its own."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        by = f"reply-{self.count * 7717:x}@{self.domain}"
        body = f"{_CONFIRMED}\n\n{quoted(heard)}"
        yield self.post(f"[{self.count}] {heard.subject}", body, by=by)


class ThreadingDesk(TicketDesk):
    """The same, in the thread of our mail."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        by = f"conversation.{self.count}@{self.domain}"
        subject = f"Conversation {self.count} opened"
        yield self.post(subject, f"{self.count}. {_CONFIRMED[:30]}", by=by, **threaded(heard))


class TerseDesk(TicketDesk):
    """Few words, and other ones each time, from a new address: nothing but its haste tells."""

    patient: ClassVar[bool] = False

    words: ClassVar[tuple[str, ...]] = ("Got it", "Received", "Noted", "Thanks", "On its way")

    def answers(self, heard: Heard) -> Iterator[Post]:
        name = f"{self.count:04}".translate(str.maketrans("0123456789", "aeioukstnr"))
        by = f"{name}@{self.domain}"
        yield self.post(self.words[self.count % 5], f"{self.words[self.count % 3]}.", by=by)


class MarkedDesk(TicketDesk):
    """A product that does as RFC 3834 says, from one address."""

    marks: ClassVar[Headers] = {"Auto_Submitted": "auto-generated"}

    def answers(self, heard: Heard) -> Iterator[Post]:
        yield self.post(f"[#{self.count}] {heard.subject}", _CONFIRMED, **self.marks)


class SuppressingDesk(MarkedDesk):
    """Another: it only asks not to be answered."""

    marks: ClassVar = {"X_Auto_Response_Suppress": "All"}


class LoopMarkingDesk(MarkedDesk):
    """Another: a header of its own invention."""

    marks: ClassVar = {"X_OTRS_Loop": "yes"}


class PreventingDesk(MarkedDesk):
    """Another: its name for itself."""

    marks: ClassVar = {"X_RT_Loop_Prevention": "robot.example", "Precedence": "bulk"}


class XLoop(MarkedDesk):
    """procmail's way."""

    marks: ClassVar = {"X_Loop": "desk@robot.example"}


class PlainDesk(TicketDesk):
    """One address, a number in the subject, no header."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        yield self.post(f"Ticket {self.count} created: {heard.subject}", _CONFIRMED)


class NoReplyBox(Being):
    """A mailbox that takes no mail, and says so to everybody."""

    local = "no-reply"

    def answers(self, heard: Heard) -> Iterator[Post]:
        yield self.post(f"Do not reply ({self.count})", "This mailbox is not read.")


class Social(Being):
    """A network that tells us by mail that it has got mail."""

    local = "notifications"

    def answers(self, heard: Heard) -> Iterator[Post]:
        unsubscribe: Headers = {"List_Unsubscribe": f"<https://{self.domain}/u>"}
        yield self.post(f"You have {self.count} new messages", "Log in to read.", **unsubscribe)


class Survey(Being):
    """How did we do? Asked after each mail, from a new address."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        by = f"survey-{self.count}@{self.domain}"
        body = "How satisfied are you with our answer? It takes one minute to tell us: 1 2 3 4 5"
        yield self.post("How did we do?", body, 10 * SOON, by=by)


class OrderRobot(Being):
    """A shop's robot that thinks each mail an order."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        yield self.post(f"Order {9000 + self.count} confirmed", f"Items: {re(heard)}")
