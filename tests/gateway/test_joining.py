"""Whatever people write in whatever order, nobody's words stand in another's case unless let in."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule

from tests.making import DESK, KEYS, NOON, mail, opened

CUSTOMERS = ("yuki@example.jp", "hana@example.net")
OTHERS = ("ken@work.example", "mallory@evil.example", "yuki@phone.example")
PEOPLE = CUSTOMERS + OTHERS


class Sent(NamedTuple):
    """A mail that somebody sent us, and what it became."""

    raw: bytes
    to: str
    message: int
    address: str
    signed: bool
    names: tuple[str, ...]

    def tokens(self) -> list[str]:
        """What it names, as tokens if they are."""
        return [_local(name) for name in self.names]

    def given(self) -> set[int]:
        """The cases that it names by a token given to this very address."""
        found = (KEYS.check(token, self.address) for token in self.tokens())
        return {token.case_id for token in found if token}


class Joining(RuleBasedStateMachine):
    """People who sign, and forgers who do not, answer whatever mail of whomever they like."""

    named = Bundle("named")  # Message-IDs and reply addresses, theirs and ours

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.folder = tempfile.TemporaryDirectory()
        self.desk = self.runner.run(self.stack.enter_async_context(opened(Path(self.folder.name))))
        self.sent: list[Sent] = []
        self.said: set[int] = set()

    def teardown(self) -> None:
        self.runner.run(self.stack.aclose())
        self.runner.close()
        self.folder.cleanup()

    def take(self, address: str, *, signed: bool, subject: str, names: tuple[str, ...] = ()) -> Any:
        """One mail in; the Message-IDs and addresses that it and our answer give out."""
        references = " ".join(f"<{name}>" for name in names if "+" not in name)
        to = next((name for name in names if "+" in name), DESK)
        own_id = f"{len(self.sent)}@{address.partition('@')[2]}"
        raw = mail(
            address, subject, f"Words {len(self.sent)}", Message_ID=f"<{own_id}>",
            vouched=address.partition("@")[2] if signed else "", References=references,
        )  # fmt: skip
        receipt = self.runner.run(self.desk.accept(raw, address, to=(to,)))
        assert receipt.outcome == "accepted"
        self.sent.append(Sent(raw, to, receipt.message, address, signed, names))
        out = self.rows("SELECT id, message_id, reply_to FROM messages WHERE direction = 'out'")
        new = [row for row in out if row["id"] not in self.said]
        self.said |= {row["id"] for row in new}
        return multiple(
            own_id, *(name for row in new for name in (row["message_id"], row["reply_to"]))
        )

    def rows(self, query: str) -> list[dict[str, Any]]:
        return self.runner.run(self.desk.rows(query))

    @rule(target=named, who=st.sampled_from(PEOPLE), subject=st.sampled_from(("Box", "Bill", "")))
    def writes(self, who: str, subject: str) -> Any:
        return self.take(who, signed=True, subject=subject)

    @rule(
        target=named, who=st.sampled_from(PEOPLE), signed=st.booleans(),
        names=st.lists(named, min_size=1, max_size=3),
    )  # fmt: skip
    def answers(self, who: str, signed: bool, names: list[str]) -> Any:
        return self.take(who, signed=signed, subject="Re: Box", names=tuple(names))

    @rule(target=named, who=st.sampled_from(CUSTOMERS), subject=st.sampled_from(("Box", "Bill")))
    def is_imitated(self, who: str, subject: str) -> Any:
        return self.take(who, signed=False, subject=subject)

    @rule(data=st.data())
    def comes_again(self, data: st.DataObject) -> None:
        if self.sent:
            again = data.draw(st.sampled_from(self.sent))
            receipt = self.runner.run(self.desk.accept(again.raw, again.address, to=(DESK,)))
            assert (receipt.outcome, receipt.message) == ("duplicate", again.message)

    @rule(days=st.sampled_from((1, 20)))
    def everything_is_resolved(self, days: int) -> None:
        at = f"{NOON.year}-11-{NOON.day - days:02}T03:00:00.000000Z"
        change = "UPDATE cases SET status = 'resolved', resolved_at = :at"
        self.runner.run(self.desk.change(change, at=at))

    @invariant()
    def nobody_is_where_he_was_not_let_in(self) -> None:
        found = self.rows(
            "SELECT m.id, m.conversation_id, c.unverified, c.id AS case_id, i.address,"
            " v.id AS own, p.id AS participant,"
            " (SELECT min(o.id) FROM messages o WHERE o.case_id = c.id) AS opened_by"
            " FROM messages m JOIN cases c ON c.id = m.case_id"
            " JOIN identities i ON i.id = m.identity_id"
            " JOIN conversations v ON v.customer_id = i.customer_id"
            " LEFT JOIN participants p ON p.case_id = c.id AND p.identity_id = i.id"
            " WHERE m.direction = 'in'"
        )
        stands = {row["id"]: row for row in found}
        assert stands.keys() == {sent.message for sent in self.sent}  # nothing lost, nothing twice
        for sent in self.sent:
            row = stands[sent.message]
            assert row["address"] == f"email:{sent.address}"
            assert row["conversation_id"] == row["own"] or (row["participant"] and sent.signed)
            if not sent.signed:
                apart = row["unverified"] and row["opened_by"] == sent.message
                assert apart or row["case_id"] in sent.given()

    @invariant()
    def whoever_was_let_in_signed_and_held_a_token(self) -> None:
        found = self.rows(
            "SELECT i.address, m.message_id FROM participants p"
            " JOIN identities i ON i.id = p.identity_id"
            " LEFT JOIN messages m ON m.case_id = p.case_id AND m.direction = 'out'"
        )
        held = {
            (f"email:{sent.address}", token)
            for sent in self.sent if sent.signed for token in sent.tokens()
        }  # fmt: skip
        let_in = {row["address"] for row in found}
        proved = {r["address"] for r in found if (r["address"], _local(r["message_id"])) in held}
        assert let_in == proved

    @invariant()
    def nothing_is_said_to_anybody_but_the_case_s_customer(self) -> None:
        found = self.rows(
            "SELECT m.recipients, i.address FROM messages m JOIN cases c ON c.id = m.case_id"
            " JOIN identities i ON i.customer_id = c.customer_id WHERE m.direction = 'out'"
        )
        for row in found:
            assert row["address"].partition(":")[2] in row["recipients"]


def _local(name: str) -> str:
    return name.partition("@")[0].rpartition("+")[2]


Joining.TestCase.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip


TestJoining = Joining.TestCase  # as pytest collects it
