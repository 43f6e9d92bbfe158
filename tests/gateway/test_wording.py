"""A channel may have words of its own, for all that we say there by ourselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway import rules
from gateway.watch.checking import texts
from gateway.words import WordsError
from tests.making import CONFIG, DESK, Desk, configure, mail, opened

SHOP = """
[[channel]]
name = "shop"
type = "smtp"
listen = "127.0.0.1:2526"
addresses = ["shop@example.com"]
send = "maildir:sent"
trusted_relays = ["192.0.2.7"]
wording = "shop"
[[follow_up]]
name = "sorry"
when = "unanswered"
after = "1 hour"
send = "notice"
"""


def words(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        file = folder / "shop" / "en" / f"{name.replace('_', '.')}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


async def said(desk: Desk, kind: str) -> list[str]:
    found = await desk.rows("SELECT text FROM messages WHERE kind = :k ORDER BY id", k=kind)
    return [row["text"].splitlines()[0] for row in found]


async def test_a_channel_speaks_in_its_own_words_and_the_others_in_theirs(tmp_path: Path) -> None:
    words(
        tmp_path,
        acknowledgement_long="Subject: Hi\n\nThe shop has it ({{ reference }}).\n",
        notice_long="Subject: Sorry\n\nThe shop is sorry.\n",
    )
    async with opened(tmp_path, CONFIG + SHOP) as desk:
        for channel, ours in (("mail", DESK), ("shop", "shop@example.com")):
            raw = mail(f"{channel}@customer.example", To=ours)
            await desk.accept(raw, channel=channel, to=(ours,))
        usual, own = await said(desk, "acknowledgement")
        assert usual.startswith("Thank you for contacting us.")
        assert own.startswith("The shop has it")
        desk.clock.advance(hours=2)
        await desk.follow_ups().look()
        usual, own = await said(desk, "follow_up") or await said(desk, "notice")
        assert (own, "shop" in usual) == ("The shop is sorry.", False)


async def test_an_echo_of_a_channel_s_own_words_is_known(tmp_path: Path) -> None:
    last = "These words were written by the machine of the shop."
    words(
        tmp_path, acknowledgement_long=f"Subject: Hi\n\nWe have it ({{{{ reference }}}}).\n\n{last}"
    )
    async with opened(tmp_path, f"{CONFIG}{SHOP}# {last}\n") as desk:
        assert last in desk.rules.marks


def test_what_is_wrong_with_them_is_told(tmp_path: Path) -> None:
    words(tmp_path, nudge_short="Hello {{ custmer_name }}")
    config = configure(tmp_path, CONFIG + SHOP)
    with pytest.raises(WordsError, match="unknown placeholder 'custmer_name'"):
        rules.words(config)
    assert "nudge.short.txt line 1" in next(str(one) for one in texts(config))


def test_a_language_that_only_the_channel_has_is_enough_there(tmp_path: Path) -> None:
    words(tmp_path)
    (tmp_path / "shop").mkdir()
    french = CONFIG + SHOP.replace('name = "shop"', 'name = "shop"\nlanguage = "fr"')
    missing = [str(one) for one in texts(configure(tmp_path, french)) if one.is_error]
    assert [one.partition(": template ")[0] for one in missing] == 2 * [
        "error: channel[1].language"
    ]
