"""What the rules are told about tokens in other hands, on both databases."""

from __future__ import annotations

from sqlalchemy import Connection, text

from normalizer.message import Message
from store import inbound
from store.bulk import insert
from store.known import Changes, Given, Known, Offered, Seen
from store.rows import Participant, instant
from store.store import Store
from tests.store.house import NOON, arrival


async def test_a_token_tells_to_whom_it_was_given_and_who_was_let_in(store: Store) -> None:
    await store.commit_inbound(arrival("hers"))
    kenji = await store.commit_inbound(arrival("his", "kenji@work.example"))
    ours, case, his = await store.read(_ids)

    def let_in(connection: Connection, changes: Changes) -> None:
        row = Participant(changes.new_id(), case, his, "a person said so", instant(NOON), None)
        insert(connection, [row])

    await store.write(let_in)
    again = arrival(
        "again", "kenji@work.example",
        message=Message(in_reply_to=f"{ours}@example.com"),
        offered=(Offered("as written", ours), Offered("of nothing", 36**12 - 1)),
    )  # fmt: skip
    known: Known = await store.read(lambda c: inbound.load(c, [again], frozenset()))
    assert kenji
    assert known.given == {
        ours: Given(case, "mail", "acknowledgement", f"{ours}@example.com", ("yuki@example.jp",),
                    "We have it.")
    }  # fmt: skip
    assert known.cases.keys() == {case}
    assert known.admitted == {(case, his)}
    assert [type(seen) for seen in known.message_ids[f"{ours}@example.com"]] == [Seen]


async def test_a_mail_that_names_nothing_asks_nothing(store: Store) -> None:
    await store.commit_inbound(arrival("hers"))
    known: Known = await store.read(lambda c: inbound.load(c, [arrival("more")], frozenset()))
    assert (known.given, known.admitted) == ({}, set())


def _ids(connection: Connection) -> tuple[int, int, int]:
    """Our acknowledgement to Yuki, her case, and Kenji's identity."""
    ours, case = connection.execute(
        text("SELECT id, case_id FROM messages WHERE direction = 'out' ORDER BY id")
    ).first() or (0, 0)
    his = connection.execute(
        text("SELECT id FROM identities WHERE address = 'email:kenji@work.example'")
    ).scalar()
    assert his
    return ours, case, his
