"""What we say on Slack, where, and how it ends; and the files that people send."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from channels.base import ChannelDown, DeliveryError, Host, InDoubt, NoPast, Rejected, Retry
from channels.slack import Slack
from channels.slack.settings import SlackSettings
from gateway.outgoing.render import render
from normalizer.message import Address, Button, Message, Part, Spooled
from tests.channels.slack_double import (
    HANA,
    LOBBY,
    SECRET,
    TALK,
    TEAM,
    TOKEN,
    YUKI,
    Workspace,
    workspace,
)
from tests.channels.slack_double import settings as settings_of


@pytest.fixture
async def slack() -> AsyncIterator[Workspace]:
    async with workspace() as running:
        yield running


@pytest.fixture
def past() -> NoPast:
    return NoPast()


@pytest.fixture
async def channel(slack: Workspace, past: NoPast, tmp_path: Path) -> AsyncIterator[Slack]:
    host = Host("desk", tmp_path, past=lambda _: past)
    made = Slack(settings_of(slack, max_file="1 MiB"), host)
    yield made
    await made.close()


def reply(text: str = "We have it.", **more: Any) -> Message:
    return Message(kind="reply", to=(Address("", f"{TEAM}/{YUKI}"),), text=text, **more)


async def test_an_answer_goes_where_the_customer_talks_with_us(
    slack: Workspace, channel: Slack, past: NoPast
) -> None:
    await past.note(f"talk:{TEAM}/{YUKI}", TALK)
    sent = await channel.send(reply("1 < 2 & *plain*"), "k")
    (post,) = slack.posted
    assert (post["channel"], post["text"], post["mrkdwn"]) == (
        TALK,
        "1 &lt; 2 &amp; *plain*",
        False,
    )
    assert "thread_ts" not in post
    assert sent.peer_id == f"slack:{TALK}:{post['ts']}"


async def test_who_never_wrote_is_written_to_in_a_talk_that_is_opened(
    slack: Workspace, channel: Slack
) -> None:
    await channel.send(reply(), "k")
    assert slack.posted[0]["channel"] == "D0YUKI"


@pytest.mark.parametrize(
    ("about", "place", "thread"),
    [
        (f"slack:{TALK}:5.1", TALK, None),
        (f"slack:{TALK}:5.0:5.1", TALK, "5.0"),
        (f"slack:{TALK}:5.1#6.1", TALK, None),
        (f"slack:{LOBBY}:7.0", LOBBY, "7.0"),
        (f"slack:{LOBBY}:7.0:7.5", LOBBY, "7.0"),
        (f"slack:{LOBBY}:8.0", TALK, None),
        ("slack:D0HANA:5.1", TALK, None),
        ("slack::", TALK, None),
        ("somebody@mail.example", TALK, None),
    ],
    ids=str,
)
async def test_an_answer_stands_by_its_question_if_that_is_the_customer_s_place(
    slack: Workspace, channel: Slack, past: NoPast, about: str, place: str, thread: str | None
) -> None:
    """The id of a message is a claim; nobody makes us speak where others read."""
    await past.note(f"talk:{TEAM}/{YUKI}", TALK)
    await past.note(f"thread:{LOBBY}:7.0:{TEAM}/{YUKI}", "called")
    await past.note(f"thread:{LOBBY}:8.0:{TEAM}/{HANA}", "called")
    sent = await channel.send(reply(in_reply_to=about), "k")
    (post,) = slack.posted
    assert (post["channel"], post.get("thread_ts")) == (place, thread)
    inside = f"{thread}:" if thread else ""
    assert sent.peer_id == f"slack:{place}:{inside}{post['ts']}"


async def test_buttons_stand_below_the_text(slack: Workspace, channel: Slack) -> None:
    buttons = (
        Button("Solved & done", "solved"), Button("Track it", url="https://t.example/1"),
        *(Button(str(n), f"vote:{n}") for n in range(5)),
    )  # fmt: skip
    await channel.send(reply("& " * 1490, buttons=buttons), "k")
    (post,) = slack.posted
    *sections, row, more = post["blocks"]
    words = "".join(one["text"]["text"] for one in sections)
    assert words.count("&amp;") == 1490
    solved, track = row["elements"][:2]
    assert (solved["value"], solved["text"]["text"]) == ("solved", "Solved &amp; done")
    assert (track["url"], "value" in track) == ("https://t.example/1", False)
    assert [len(one["elements"]) for one in (row, more)] == [5, 2]


async def test_each_piece_of_a_long_answer_stands_in_the_thread(
    slack: Workspace, channel: Slack, past: NoPast
) -> None:
    await past.note(f"thread:{LOBBY}:7.0:{TEAM}/{YUKI}", "called")
    whole = reply("word " * 1000, in_reply_to=f"slack:{LOBBY}:7.0")
    for number, piece in enumerate(render(whole, settings_of(slack).limits)):
        await channel.send(piece, f"k{number}")
    assert [post.get("thread_ts") for post in slack.posted] == ["7.0", "7.0"]
    assert len({post["client_msg_id"] for post in slack.posted}) == 2


@pytest.mark.parametrize(
    ("failure", "expected", "reason"),
    [
        ("channel_not_found", Rejected, "address_dead"),
        ("is_archived", Rejected, "address_dead"),
        ("user_disabled", Rejected, "address_dead"),
        ("msg_too_long", Rejected, "content"),
        ("token_revoked", ChannelDown, ""),
        ("missing_scope", ChannelDown, ""),
        ("internal_error", InDoubt, ""),
        ("service_unavailable", Retry, ""),
        (429, Retry, ""),
        (502, InDoubt, ""),
        (404, ChannelDown, ""),
    ],
    ids=str,
)
async def test_each_refusal_has_its_end(
    slack: Workspace, channel: Slack, past: NoPast, failure: str | int,
    expected: type[DeliveryError], reason: str,
) -> None:  # fmt: skip
    await past.note(f"talk:{TEAM}/{YUKI}", TALK)
    slack.fails = {"chat.postMessage": failure}
    with pytest.raises(expected) as refused:
        await channel.send(reply(), "k")
    assert getattr(refused.value, "reason", "") == reason
    assert bool(channel.trouble) is (expected is ChannelDown)
    assert TOKEN not in f"{refused.value}{channel.trouble}"


async def test_a_file_is_put_to_slack_and_shown_in_the_talk(
    slack: Workspace, channel: Slack, tmp_path: Path
) -> None:
    file = tmp_path / "label.pdf"
    file.write_bytes(b"%PDF")
    part = Part(role="attachment", content_type="application/pdf", size=4, sha256="",
                data=Spooled(str(file), 4, ""), filename="label.pdf")  # fmt: skip
    await channel.send(reply("", parts=(part,)), "k")
    assert slack.files["F9"] == b"%PDF"
    assert slack.posted[-1]["files"] == [{"id": "F9", "title": "label.pdf"}]


async def test_each_request_has_a_time_limit(
    slack: Workspace, channel: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also that of a file, which goes to an address of Slack's choice."""
    limits: list[dict[str, float]] = []
    send = httpx.AsyncClient.send

    async def noted(self: httpx.AsyncClient, request: httpx.Request, **more: Any) -> httpx.Response:
        limits.append(request.extensions.get("timeout", {}))
        return await send(self, request, **more)

    monkeypatch.setattr(httpx.AsyncClient, "send", noted)
    part = Part(role="attachment", content_type="text/plain", size=2, sha256="", data=b"hi")
    await channel.send(reply("", parts=(part,)), "k")
    assert slack.files["F9"] == b"hi"
    assert len(limits) >= 3
    assert all(limit.get("read") and limit.get("connect") for limit in limits)


async def test_a_customer_s_file_is_fetched_within_bounds(slack: Workspace, channel: Slack) -> None:
    slack.files |= {"F1": b"small", "F2": b"l" * 500_000, "F3": b"h" * 1_200_000}
    assert await channel.fetch("F1") == b"small"
    found = await channel.fetch("F2")
    assert isinstance(found, Spooled)
    assert found.size == 500_000
    with pytest.raises(Rejected):
        await channel.fetch("F3")
    slack.fails = {"files.info": "file_not_found"}
    with pytest.raises(Rejected):
        await channel.fetch("F1")


async def test_the_token_is_shown_to_slack_s_own_files_only(
    slack: Workspace, channel: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = {"file": {"size": 1, "url_private_download": f"{slack.url}/elsewhere/F1"}}
    monkeypatch.setattr(slack, "_result", lambda *_: elsewhere)
    with pytest.raises(Rejected, match="not at Slack"):
        await channel.fetch("F1")
    assert len(slack.asked_with) == 1


async def test_where_the_channel_is_gone_the_person_is_still_there(
    slack: Workspace, channel: Slack, past: NoPast
) -> None:
    await past.note(f"thread:{LOBBY}:7.0:{TEAM}/{YUKI}", "called")
    slack.gone.add(LOBBY)
    sent = await channel.send(reply(in_reply_to=f"slack:{LOBBY}:7.0"), "k")
    (post,) = slack.posted
    assert (post["channel"], "thread_ts" in post) == (TALK, False)
    assert sent.peer_id == f"slack:{TALK}:{post['ts']}"
    slack.gone.add(TALK)
    with pytest.raises(Rejected) as refused:
        await channel.send(reply(), "k")
    assert refused.value.reason == "address_dead"


async def test_check_tells_who_we_are_and_what_we_may_not(slack: Workspace, channel: Slack) -> None:
    assert await channel.check() == "Slack knows us as desk in Example"
    slack.scopes = "chat:write,im:history,im:write,users:read"
    with pytest.raises(ChannelDown, match="lacks files:read: add"):
        await channel.check()
    slack.fails = {"auth.test": "token_revoked"}
    with pytest.raises(ChannelDown, match="token_revoked"):
        await channel.check()


@pytest.mark.parametrize(
    "wrong",
    [
        {"bot_token": "xoxp-a-persons"},
        {"signing_secret": "short"},
        {"api": "http://slack.com/api"},
        {"files": "files.slack.com"},
    ],
    ids=str,
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, str]) -> None:
    facts = {"name": "s", "type": "slack", "bot_token": TOKEN, "signing_secret": SECRET}
    with pytest.raises(ValueError, match=r"pattern|address such as"):
        SlackSettings.model_validate(facts | wrong)


def test_only_somebody_in_a_workspace_can_be_written_to() -> None:
    made = SlackSettings(name="s", type="slack", bot_token=TOKEN, signing_secret=SECRET)
    assert not made.refuses(f"{TEAM}/{YUKI}")
    assert made.refuses(YUKI)
