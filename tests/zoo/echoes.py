"""Whatever gives back what it gets: mirrors, lists, forwarders, aliases of ours."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes
from email.policy import SMTP

from tests.making import DESK
from tests.zoo.beings import HOUR, SOON, Being, Headers, quoted, re, threaded
from tests.zoo.world import Heard, Post


class Mirror(Being):
    """Our own words back from its one address, all headers gone."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        yield self.post(heard.subject, heard.text)


class NewFaces(Being):
    """L12: our own words back from a new address each time, at once, all headers gone."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        yield self.post(
            heard.subject, heard.text, by=f"box{self.count:x}{self.number}@{self.domain}"
        )


class NewDomains(Being):
    """The same from a new domain each time."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        yield self.post(re(heard), heard.text, by=f"box@n{self.count}.{self.domain}")


class SameWords(Being):
    """L12 with words of its own, always the same."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        body = (
            "Hello, and thank you for your kind mail. I read everything that comes in here, and I"
            f" will certainly come back to you as soon as I can. Number {self.count}."
        )
        yield self.post(f"Thank you {self.count}", body, by=f"me{self.count}@{self.domain}")


class Quoter(Being):
    """Quotes us under a new subject from a new address, no header of the thread left."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        body = f"Thanks.\n\n{quoted(heard)}"
        yield self.post(f"Matter {self.count}", body, by=f"p{self.count}@{self.domain}")


class Tags(Being):
    """A new plus tag, and dots in new places, each time."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        by = f"of{'.' * (self.count % 2)}fice+{self.count}@{self.domain}"
        yield self.post(f"Again {self.count}", "Hello again.", by=by)


class Capitals(Being):
    """Its name in other capitals each time."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        by = "".join(c.upper() if (self.count >> i) & 1 else c for i, c in enumerate("office"))
        yield self.post(f"Again {self.count}", "Hello again.", by=f"{by}@{self.domain}")


class InThread(Being):
    """In our thread, to our keyed address, with a new subject each time."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        to = str(heard.parsed["Reply-To"] or DESK)
        yield self.post(f"Case {self.count}", "Yes.", to=to, To=to, **threaded(heard))


class EchoServer(Being):
    """The whole mail back as a text, headers and all."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        yield self.post(f"echo: {heard.subject}", heard.raw.decode())


class Forwarder(Being):
    """Sends our mail on to us, From kept: ours (L10)."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        yield Post(heard.raw, self.address, SOON)


class Resender(Being):
    """Our mail itself, with all headers changed but its Message-ID (L11)."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        own: Headers = {"Message_ID": str(heard.parsed["Message-ID"])}
        yield self.post(f"Fwd {self.count}", "See below.", by=f"f{self.count}@{self.domain}", **own)


class ForwarderAsItself(Being):
    """Sends our mail on to us under its own name, as forwarding by hand does."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        body = f"---------- Forwarded message ----------\nFrom: <{DESK}>\n\n{heard.text}"
        yield self.post(f"Fwd: {heard.subject}", body, by=f"fwd{self.count}@{self.domain}")


class Alias(Being):
    """From our own address, to our other one: a loop within our house (L10)."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        to = "sales@example.com"
        yield self.post(heard.subject, heard.text, by=DESK, path=DESK, to=to, To=to)


class List(Being):
    """A mailing list that we are on: From rewritten, a footer below, List headers."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        address = f"list@{self.domain}"
        body = f"{heard.text}\n--\nTo leave: {address}"
        headers: Headers = {
            "List_Id": f"<list.{self.domain}>",
            "List_Post": f"<mailto:{address}>",
            "To": address,
        }
        by = f'"Support via List" <{address}>'
        yield self.post(
            f"[list] {heard.subject}", body, by=by, path=f"list-bounces@{self.domain}", **headers
        )


class BareList(Being):
    """A list that has lost its headers, and answers what members say in their names."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        by = f'"Member {self.count} via List" <list@{self.domain}>'
        yield self.post(f"[list] {heard.subject}", f"{quoted(heard)}\n--\nfooter", by=by)


class KeepingList(Being):
    """A list of the old school: our From stays, its own headers come on top."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        mail = message_from_bytes(heard.raw, policy=SMTP)
        mail["List-Id"] = f"<list.{self.domain}>"
        yield Post(mail.as_bytes(), f"list-bounces@{self.domain}", SOON)


class ReplyElsewhere(Being):
    """Its Reply-To names somebody else each time (L14)."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        victim = f"victim{self.count}@robot{self.number + 500}.example"
        yield self.post(f"Hi {self.count}", "Please answer.", Reply_To=victim)


class SpamBot(Being):
    """A new subject and new words each time, an hour after each answer."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        yield self.post(f"Offer {self.count}", f"Only today: {self.count} for one.", HOUR)


class Chatterbox(Being):
    """Answers each mail with three, in the thread and out of it."""

    def answers(self, heard: Heard) -> Iterator[Post]:
        yield self.post(re(heard), "One.", **threaded(heard))
        yield self.post("Two", "Two.", 2 * SOON)
        yield self.post(
            f"Three {self.count}", heard.text, 3 * SOON, by=f"x{self.count}@{self.domain}"
        )
