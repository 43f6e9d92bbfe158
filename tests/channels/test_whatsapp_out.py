"""WhatsApp out: the window and its templates, buttons, files, and what Meta's answers mean."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.base import (
    ChannelDown,
    DeliveryError,
    Host,
    InDoubt,
    Rejected,
    Retry,
)
from channels.called import now
from channels.testing import PAUSE
from channels.whatsapp import WhatsApp
from gateway.outgoing.render import render
from normalizer.message import Address, Button, Message, Part, Spooled
from tests.channels.graph_double import (
    HANA,
    TOKEN,
    YUKI,
    Graph,
    body,
    message,
    request,
    whatsapp_settings,
)
from tests.channels.hooked import running
from tests.channels.line_channel import Gateway, until

ANSWER = {"name": "support_answer", "language": "ja"}
NUDGE = {"name": "nudge", "language": "en_US", "kinds": ["follow_up"], "with_text": False}


@asynccontextmanager
async def whatsapp(
    graph: Graph, folder: Path, gateway: Gateway | None = None, *,
    clock: Callable[[], datetime] = now, wrote: bool = True, **more: Any,
) -> AsyncIterator[tuple[WhatsApp, Gateway]]:  # fmt: skip
    """The channel, to which both customers wrote a moment ago."""

    def make(host: Host) -> WhatsApp:
        return WhatsApp(whatsapp_settings(graph, **more), host, clock=clock)

    async with running(make, folder, gateway) as (channel, beside):
        if wrote:
            await channel.answer(request(body(message(1), message(2, HANA))))
        yield channel, beside


def said(text: str = "承りました", to: str = YUKI, **more: Any) -> Message:
    return Message(**{"kind": "reply", "to": (Address("", to),), "text": text} | more)


def part(content_type: str, size: int = 3, **more: Any) -> Part:
    facts: dict[str, Any] = {"role": "attachment", "sha256": "0" * 64, "data": b"abc"}
    return Part(**facts | {"content_type": content_type, "size": size} | more)


async def deliver(channel: WhatsApp, message: Message) -> None:
    """As the gateway does: what the limits make of it, piece by piece."""
    for piece in render(message, whatsapp_settings().limits):
        await channel.send(piece, "key-1")


async def test_a_text_goes_to_a_number_or_to_a_user_id(graph: Graph, tmp_path: Path) -> None:
    async with whatsapp(graph, tmp_path) as (channel, _):
        first = await channel.send(said(), "key-1")
        await channel.send(said(to=HANA, in_reply_to="whatsapp:wamid.X"), "key-2")
        one, other = graph.sent
        assert (one["to"], one["text"]["body"]) == (YUKI, "承りました")
        assert (other["recipient"], other["context"]) == (HANA, {"message_id": "wamid.X"})
        assert first.peer_id.startswith("whatsapp:wamid.")
        assert one["biz_opaque_callback_data"] == "key-1"


async def test_a_long_text_is_several_messages(graph: Graph, tmp_path: Path) -> None:
    words = " ".join(f"word{n}" for n in range(1500))
    async with whatsapp(graph, tmp_path) as (channel, _):
        await deliver(channel, said(words))
        assert len(graph.sent) > 1
        assert " ".join(one["text"]["body"] for one in graph.sent) == words


async def test_up_to_three_choices_are_buttons(graph: Graph, tmp_path: Path) -> None:
    choices = (
        Button("解決した", "solved"),
        Button("まだ困っています。担当者とお話ししたいのですが", "stuck"),
    )
    async with whatsapp(graph, tmp_path) as (channel, _):
        await deliver(channel, said("いかがでしょうか", buttons=choices))
        (one,) = graph.sent
        replies = [button["reply"] for button in one["interactive"]["action"]["buttons"]]
        assert [reply["id"] for reply in replies] == ["solved", "stuck"]
        assert replies[1]["title"].endswith("…")


async def test_many_choices_or_a_long_text_make_a_list(graph: Graph, tmp_path: Path) -> None:
    choices = tuple(Button(str(n), f"vote:{n}") for n in range(10))
    long = " ".join(f"word{n}" for n in range(400))
    async with whatsapp(graph, tmp_path) as (channel, _):
        await deliver(channel, said("How was it?", buttons=choices))
        await deliver(channel, said(long, buttons=choices[:1], language="ja"))
        rows = [one["interactive"]["action"]["sections"][0]["rows"] for one in graph.sent]
        assert [[row["id"] for row in some] for some in rows] == [
            [f"vote:{n}" for n in range(10)],
            ["vote:0"],
        ]
        assert graph.sent[1]["interactive"]["action"]["button"] == "選ぶ"


async def test_what_is_too_much_for_whatsapp_stands_in_the_text(
    graph: Graph, tmp_path: Path
) -> None:
    many = tuple(Button(f"choice {n}", f"choice-{n}") for n in range(11))
    way = (Button("Our page", url="https://example.com/x"),)
    huge = part("application/zip", 101 * 2**20, filename="all.zip")
    async with whatsapp(graph, tmp_path) as (channel, _):
        for message in (said("A", buttons=many), said("B", buttons=way), said("C", parts=(huge,))):
            await deliver(channel, message)
        bodies = [one["text"]["body"] for one in graph.sent]
        assert "11. choice 10" in bodies[0]
        assert "Our page: https://example.com/x" in bodies[1]
        assert "all.zip" in bodies[2]


async def test_files_are_given_first_and_then_sent(graph: Graph, tmp_path: Path) -> None:
    (tmp_path / "film").write_bytes(b"a film")
    spooled = Spooled(str(tmp_path / "film"), 6, "0" * 64)
    files = (
        part("image/png", filename="写真.png"),
        part("image/png", 6 * 2**20),
        part("video/mp4", 6, data=spooled),
        part("application/pdf", filename="領収書.pdf"),
    )
    async with whatsapp(graph, tmp_path) as (channel, _):
        await deliver(channel, said(parts=files))
        kinds = [one["type"] for one in graph.sent]
        assert kinds == ["text", "image", "document", "video", "document"]
        assert graph.sent[-1]["document"]["filename"] == "領収書.pdf"
        assert b"a film" in graph.uploads[2]


async def test_an_upload_that_breaks_off_is_tried_again(graph: Graph, tmp_path: Path) -> None:
    """Nobody has seen a file that was only uploaded, so nothing is in doubt."""
    message = said("", parts=(part("image/png"),))
    async with whatsapp(graph, tmp_path) as (channel, _):
        graph.mode = "no upload"
        with pytest.raises(Retry):
            await channel.send(message, "key-1")
        graph.mode = ""
        await channel.send(message, "key-1")
        assert [one["type"] for one in graph.sent] == ["image"]


async def test_nothing_cannot_be_sent(graph: Graph, tmp_path: Path) -> None:
    async with whatsapp(graph, tmp_path) as (channel, _):
        with pytest.raises(Rejected):
            await channel.send(said(" \n"), "key-1")
        assert graph.sent == []


async def test_after_a_day_only_a_template_goes(graph: Graph, tmp_path: Path) -> None:
    later = [timedelta()]

    def clock() -> datetime:
        return now() + later[0]

    known = [ANSWER, NUDGE]
    async with whatsapp(graph, tmp_path, clock=clock, templates=known) as (channel, _):
        later[0] = timedelta(hours=23, minutes=58)
        await channel.send(said(), "key-1")
        later[0] = timedelta(hours=24)
        await channel.send(said("お待たせ\nしました", to=HANA, language="ja"), "key-2")
        await channel.send(said("still there?", kind="follow_up", language="ja"), "key-3")
        with pytest.raises(Rejected) as raised:
            await channel.send(said(kind="survey"), "key-4")
        assert raised.value.reason == "window"
        for message in (said("x" * 1025), said("", parts=(part("image/png"),))):
            with pytest.raises(Rejected) as raised:
                await channel.send(message, "key-5")
            assert raised.value.reason == "window"
    free, answer, nudge = graph.sent
    assert free["type"] == "text"
    assert answer["recipient"] == HANA
    assert answer["template"]["components"][0]["parameters"][0]["text"] == "お待たせ しました"
    assert nudge["template"] == {"name": "nudge", "language": {"code": "en_US"}}


async def test_the_window_is_known_after_a_restart(graph: Graph, tmp_path: Path) -> None:
    async with whatsapp(graph, tmp_path) as (_, gateway):
        pass
    async with whatsapp(graph, tmp_path, gateway, wrote=False) as (channel, _):
        await channel.send(said(), "key-1")
        await channel.send(said(to=HANA), "key-2")
        with pytest.raises(Rejected) as raised:
            await channel.send(said(to="819000000000"), "key-3")
        assert raised.value.reason == "window", "who never wrote cannot be written to"


async def test_an_old_message_that_comes_late_opens_no_window(graph: Graph, tmp_path: Path) -> None:
    old = message(5) | {"timestamp": str(int(now().timestamp()) - 90_000)}
    async with whatsapp(graph, tmp_path, wrote=False) as (channel, gateway):
        await channel.answer(request(body(old)))
        assert len(gateway.taken) == 1
        with pytest.raises(Rejected):
            await channel.send(said(), "key-1")
        await channel.answer(request(body(message(6))))
        await channel.answer(request(body(old)))
        await channel.send(said(), "key-2")


async def test_whatsapps_own_words_open_no_window(graph: Graph, tmp_path: Path) -> None:
    kinds: list[dict[str, Any]] = [
        {"system": {"type": "user_changed_number"}},
        {"edit": {"original_message_id": "wamid.A"}},
        {"revoke": {"original_message_id": "wamid.A"}},
    ]
    async with whatsapp(graph, tmp_path, wrote=False) as (channel, gateway):
        for number, kind in enumerate(kinds):
            await channel.answer(request(body(message(number, **kind))))
        assert len(gateway.taken) == 3
        with pytest.raises(Rejected):
            await channel.send(said(), "key-1")


async def test_a_clock_that_runs_ahead_opens_no_longer_window(graph: Graph, tmp_path: Path) -> None:
    ahead = message(5) | {"timestamp": "9999999999"}
    late = [timedelta()]
    async with whatsapp(graph, tmp_path, clock=lambda: now() + late[0], wrote=False) as (
        channel,
        _,
    ):
        await channel.answer(request(body(ahead)))
        await channel.send(said(), "key-1")
        late[0] = timedelta(hours=25)
        with pytest.raises(Rejected):
            await channel.send(said(), "key-2")


async def test_notes_that_cannot_be_read_leave_the_message_for_later(
    graph: Graph, tmp_path: Path
) -> None:
    class Away(Gateway):
        async def recall(self, name: str) -> str:
            raise OSError(name)

    async with whatsapp(graph, tmp_path, Away(), wrote=False) as (channel, _):
        with pytest.raises(ChannelDown):
            await channel.send(said(), "key-1")
        assert graph.sent == []


@pytest.mark.parametrize(
    ("mode", "kind", "reason"),
    [
        ("busy", Retry, ""),
        ("broken", Retry, ""),
        ("gateway", InDoubt, ""),
        ("unwanted", Rejected, "content"),
        ("gone", Rejected, "address_dead"),
        ("window", Rejected, "window"),
        ("unfit", Rejected, "window"),
        ("vanishes", InDoubt, ""),
        ("locked", ChannelDown, ""),
    ],
)
async def test_each_answer_has_its_meaning(
    graph: Graph, tmp_path: Path, mode: str, kind: type[DeliveryError], reason: str
) -> None:
    async with whatsapp(graph, tmp_path) as (channel, _):
        graph.mode = mode
        with pytest.raises(kind) as raised:
            await channel.send(said(), "key-1")
        assert getattr(raised.value, "reason", "") == reason
        assert (getattr(raised.value, "after", None) == PAUSE) == (mode == "busy")
        assert TOKEN not in str(raised.value)


async def test_a_refused_token_is_trouble_until_it_works(graph: Graph, tmp_path: Path) -> None:
    graph.mode = "locked"
    async with whatsapp(graph, tmp_path) as (channel, _):
        await until(lambda: "access_token" in channel.trouble)
        graph.mode = ""
        await channel.send(said(), "key-1")
        assert (channel.trouble, channel.heard_at is None) == ("", False)


async def test_a_film_of_16_mb_is_a_file(graph: Graph, tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    graph.files["4711"] = b"x" * 16 * 2**20
    graph.files["4712"] = b"small"
    async with whatsapp(graph, tmp_path) as (channel, _):
        found = await channel.fetch("4711")
        assert isinstance(found, Spooled)
        assert found.size == 16 * 2**20
        assert await channel.fetch("4712") == b"small"
        for gone in ("4713", "", "../me", "4711/x", "4711?a=b"):
            with pytest.raises(Rejected):
                await channel.fetch(gone)
    async with whatsapp(graph, tmp_path, max_file="1 MiB") as (channel, _):
        with pytest.raises(Rejected):
            await channel.fetch("4711")


async def test_check_says_who_we_are_and_tells_nobody(graph: Graph, tmp_path: Path) -> None:
    async with whatsapp(graph, tmp_path) as (channel, _):
        well = await channel.check()
        assert "Example (+81 50-1234-5678), quality GREEN" in well
        assert "/in/wa" in well
        graph.mode = "locked"
        with pytest.raises(ChannelDown):
            await channel.check()
        assert graph.sent == []
