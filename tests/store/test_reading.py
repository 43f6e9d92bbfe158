"""Reading gives typed values, in pages that miss nothing, on both databases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, create_engine, insert

from store import reading, schema, whole
from store.rows import instant
from tests.daemon.servers import postgres, require

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
PEOPLE = 7
LETTERS = 5


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    with ExitStack() as end:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path_factory.mktemp('reading') / 'store.db'}"
        else:
            require("postgres")
            url = end.enter_context(postgres()).create("reading")
        engine = filled(url)
        end.callback(engine.dispose)
        yield engine


def filled(url: str) -> Engine:
    """Seven customers with a case of five messages each; the last message is one of ours."""
    engine = create_engine(url)
    schema.metadata.create_all(engine)
    with engine.begin() as connection:
        for n in range(1, PEOPLE + 1):
            customer(connection, n)
            for letter in range(LETTERS):
                message(connection, n, letter)
        answer = LETTERS * 100 + 1
        connection.execute(insert(schema.outbox).values(outbox(answer, "sent")))
    return engine


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        yield connection


def customer(connection: Connection, n: int) -> None:
    at = instant(START + timedelta(hours=n))
    add = connection.execute
    add(insert(schema.customers).values(id=n, language="ja", created_at=at))
    for kind in ("email", "telegram"):
        add(
            insert(schema.identities).values(
                id=n + 10 * (kind == "email"), customer_id=n, address=f"{kind}:{n}@example.jp",
                name="", failing_since=None, created_at=at,
            )
        )  # fmt: skip
    add(insert(schema.conversations).values(id=n, customer_id=n, created_at=at))
    add(
        insert(schema.cases).values(
            id=n, conversation_id=n, customer_id=n, reference=f"R-{n}", channel="mail",
            subject="s", base_subject="s", status="open" if n % 2 else "resolved", stage="",
            owner="", tags='["a","b"]', unverified=n == 1, linked_case_id=None, opened_at=at,
            resolved_at=None,
        )
    )  # fmt: skip
    add(
        insert(schema.events).values(
            cursor=n * 10, type="case.opened", conversation_id=n, at=at, data=f'{{"case_id": {n}}}'
        )
    )


def message(connection: Connection, n: int, letter: int) -> None:
    last = letter == LETTERS - 1
    connection.execute(
        insert(schema.messages).values(
            id=(letter + 1) * 100 + n, conversation_id=n, case_id=n, customer_id=n, identity_id=n,
            channel="mail", direction="out" if last else "in", kind="reply" if last else "message",
            status="stored", message_id="m", in_reply_to="", references='["a@b"]',
            fingerprint=f"{n}-{letter}", subject="s", text="あ" * 5000, reply_text=None if last else "い" * 5000,
            language="ja", author="{broken", recipients="[1]", reply_to="", authentication="",
            reading="null", decisions="{}", raw_sha256=None, date=None, received_at=instant(START),
        )
    )  # fmt: skip


def outbox(message_id: int, state: str) -> dict[str, object]:
    at = instant(START)
    return {
        "id": 1, "message_id": message_id, "conversation_id": 1, "channel": "mail", "state": state,
        "automatic": False, "authenticated": True, "budget_key": "", "domain": "", "due_at": at,
        "lease_owner": "", "lease_until": None, "attempts": 1, "peer_id": "p", "error": "",
        "created_at": at,
    }  # fmt: skip


@pytest.mark.parametrize("order", ["oldest", "newest"])
@pytest.mark.parametrize("limit", [1, 2, 3, PEOPLE, PEOPLE + 1])
def test_pages_of_any_size_miss_nothing(
    connection: Connection, order: reading.Order, limit: int
) -> None:
    ids: list[int] = []
    after: int | None = None
    while True:
        page = reading.conversations(connection, after=after, limit=limit, order=order)
        ids += [item.id for item in page.items]
        if (after := page.next) is None:
            break
        assert len(page.items) == limit
    expected = list(range(1, PEOPLE + 1))
    assert ids == (expected if order == "oldest" else expected[::-1])


def test_each_listed_conversation_has_its_own_people_and_last_word(connection: Connection) -> None:
    for item in reading.conversations(connection, limit=3).items:
        assert {one.address for one in item.identities} == {
            f"email:{item.id}@example.jp",
            f"telegram:{item.id}@example.jp",
        }
        assert item.last_message is not None
        assert item.last_message.id == LETTERS * 100 + item.id


def test_both_addresses_of_a_customer_lead_to_one_conversation(connection: Connection) -> None:
    for kind in ("email", "telegram"):
        page = reading.conversations(connection, identity=f"{kind}:3@example.jp")
        assert [item.id for item in page.items] == [3]
    assert reading.conversations(connection, identity="email:9@example.jp").items == []


def test_listed_text_is_cut_and_says_so(connection: Connection) -> None:
    found = reading.conversation(connection, 2)
    assert found is not None
    for item in found.messages:
        assert item.truncated
        assert len(item.reply_text) == reading.MAX_LISTED_TEXT
    assert found.messages[0].reply_text[0] == "い"
    assert found.messages[-1].reply_text[0] == "あ"  # nothing quoted: all of the text is new


def test_the_status_of_what_we_sent_is_the_outbox_s(connection: Connection) -> None:
    found = reading.conversation(connection, 1)
    assert found is not None
    assert [item.status for item in found.messages] == ["stored"] * 4 + ["sent"]
    opened = whole.message(connection, LETTERS * 100 + 1)
    assert opened is not None
    assert opened.message.status == "sent"
    assert opened.message.deliveries[0].peer_id == "p"


def test_what_is_not_there_is_none(connection: Connection) -> None:
    assert reading.conversation(connection, 999) is None
    assert reading.case(connection, 999) is None
    assert whole.message(connection, 999_999) is None
    assert whole.raw(connection, 101) is None
    assert whole.attachment(connection, 101, 1) is None


def test_a_column_that_we_cannot_read_hides_no_row(connection: Connection) -> None:
    opened = whole.message(connection, 101)
    assert opened is not None
    message = opened.message
    assert (message.author.address, message.to, message.decisions) == ("", [], [])
    assert message.references == ["a@b"]
    assert message.automatic.kind == "human"


def test_cases_are_narrowed_by_status_and_conversation(connection: Connection) -> None:
    resolved = reading.cases(connection, status="resolved").items
    assert [case.id for case in resolved] == [2, 4, 6]
    assert reading.cases(connection, conversation_id=3, status="resolved").items == []
    case = reading.cases(connection, conversation_id=1).items[0]
    assert case.tags == ["a", "b"]
    assert case.unverified is True


def test_a_case_pages_through_its_own_messages(connection: Connection) -> None:
    first = reading.case(connection, 5, limit=3)
    assert first is not None
    rest = reading.case(connection, 5, after=first.next, limit=3)
    assert rest is not None
    ids = [message.id for message in [*first.messages, *rest.messages]]
    assert ids == [letter * 100 + 5 for letter in range(1, LETTERS + 1)]
    assert rest.next is None


def test_events_come_after_their_cursor(connection: Connection) -> None:
    page = reading.events(connection, after=20, limit=2)
    assert [(event.cursor, event.data) for event in page.items] == [
        (30, {"case_id": 3}),
        (40, {"case_id": 4}),
    ]
    assert page.next == 40
    assert reading.events(connection, after=70).items == []


def test_what_is_read_is_json_as_it_is(connection: Connection) -> None:
    import msgspec

    page = json.loads(msgspec.json.encode(reading.events(connection)))
    assert page["items"][0]["cursor"] == 10
    assert page["next"] is None
