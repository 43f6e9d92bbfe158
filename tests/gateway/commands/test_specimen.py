"""A template is read before a customer reads it: with examples, or with what is so in a case."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.cli import app
from gateway.commands.specimen import NotPossible, Specimen, Wanted, specimens
from gateway.words.sheets import Form
from tests.making import CONFIG, NOON, Desk, configure, mail, opened

RULES = """
[[follow_up]]
name = "close"
when = "pending"
after = "20 days"
set_status = "resolved"
"""
SHOP = """
[[channel]]
name = "shop"
type = "smtp"
listen = "127.0.0.1:2526"
addresses = ["shop@example.com"]
send = "maildir:sent"
trusted_relays = ["192.0.2.7"]
wording = "shop"
language = "ja"
"""
HOOK = """
[[channel]]
name = "hook"
type = "http"
url = "http://127.0.0.1:1/hook"
secret = { file = "secret" }
"""


def shown(folder: Path, text: str = CONFIG, name: str = "nudge", **wanted: str) -> list[Specimen]:
    (folder / "secret").write_text("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", encoding="utf-8")
    return list(specimens(configure(folder, text), Wanted(name, **wanted), NOON))  # type: ignore[arg-type]


def worded(folder: Path) -> None:
    for language in ("en", "ja"):
        file = folder / "shop" / language / "nudge.long.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        said = "The shop asks ({{ reference }}){% if closes_on %} until {{ closes_on }}{% endif %}."
        file.write_text(f"Subject: Shop\n\n{said}\n", encoding="utf-8")


@pytest.mark.parametrize(
    "name",
    ["acknowledgement", "nudge", "closing", "survey", "notice", "notice_promotion", "update"],
)
@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("form", ["long", "short"])
def test_every_template_can_be_read_before_a_customer_does(
    tmp_path: Path, name: str, language: str, form: Form
) -> None:
    (one,) = shown(tmp_path, name=name, language=language, form=form)
    assert one.text.body.strip()
    assert bool(one.text.subject) == (form == "long")
    assert "(example)" not in one.text.body


def test_unless_asked_for_one_both_forms_are_shown_in_each_language_and_say_so(
    tmp_path: Path,
) -> None:
    titles = [one.title for one in shown(tmp_path, CONFIG + HOOK)]
    assert titles == [
        f"{language}, {form}, with example facts"
        for language in ("en", "ja")
        for form in ("long (mail)", "short (hook)")
    ]
    assert [one.title for one in shown(tmp_path, language="ja")] == [
        "ja, long (mail), with example facts",
        "ja, short (no channel so far), with example facts",
    ]


def test_a_channel_s_own_wording_is_shown_as_its_own(tmp_path: Path) -> None:
    worded(tmp_path)
    titles = [one.title for one in shown(tmp_path, CONFIG + SHOP, form="long")]
    assert titles == [
        f"{language}, long ({channel}), with example facts"
        for language in ("en", "ja")
        for channel in ("mail", "shop")
    ]
    assert len(shown(tmp_path, CONFIG + SHOP, "survey", form="long")) == 2, "the common words"
    (one,) = shown(tmp_path, CONFIG + SHOP, channel="shop")
    assert one.title == "ja, long (shop), with example facts"
    assert one.text.subject == "Shop"


def test_what_there_is_not_is_answered_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(
        NotPossible, match='no template "nugde"; there are acknowledgement, closing'
    ):
        shown(tmp_path, name="nugde")
    with pytest.raises(NotPossible, match='no channel "line"; there are mail'):
        shown(tmp_path, channel="line")


async def of_case(desk: Desk, folder: Path, name: str, **wanted: str) -> Specimen:
    row = await desk.one("SELECT reference FROM cases")
    asked = Wanted(name, case=row["reference"].lower(), **wanted)  # type: ignore[arg-type]
    (one,) = specimens(desk.config, asked, desk.clock())
    assert row["reference"] in one.title
    return one


async def test_a_case_is_shown_as_it_is_on_its_channel_and_in_its_language(tmp_path: Path) -> None:
    worded(tmp_path)
    async with opened(tmp_path, CONFIG + SHOP + RULES) as desk:
        to = "shop@example.com"
        body = "荷物が届きません。"
        await desk.accept(mail(To=to, body=body, vouched="example.jp"), channel="shop", to=(to,))
        one = await of_case(desk, tmp_path, "nudge")
        assert one.title.startswith("ja, long (shop), with the facts of ")
        assert "(example)" in one.text.body, "nothing closes it so far"
        case = await desk.one("SELECT id, conversation_id FROM cases")
        await desk.change("UPDATE cases SET status = 'pending', unanswered_since = NULL")
        await desk.change(
            "INSERT INTO follow_ups (id, case_id, conversation_id, rule, cause, state, due_at,"
            " reason) VALUES (900, :id, :conversation_id, 'close', 'x', 'pending',"
            " '2026-12-14T03:00:00.000000Z', '')", **case,
        )  # fmt: skip
        one = await of_case(desk, tmp_path, "nudge")
        assert "until 12月14日(月)." in one.text.body
        assert "(example)" not in one.text.body
        usual = await of_case(desk, tmp_path, "nudge", channel="mail")
        assert usual.title.startswith("ja, long (mail)")
        assert "The shop" not in usual.text.body


async def test_the_promise_is_the_one_that_the_customer_read(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.accept(mail(vouched="example.jp"))
        await desk.change(
            "UPDATE messages SET promised_by = '2026-11-26T05:30:00.000000Z'"
            " WHERE promised_by IS NOT NULL"
        )
        for name in ("notice", "acknowledgement"):
            one = await of_case(desk, tmp_path, name)
            assert "2:30 pm on Thursday" in one.text.body, name
            assert "Re: Where is my parcel?" in one.text.subject
        await desk.change("UPDATE cases SET unanswered_since = NULL")
        one = await of_case(desk, tmp_path, "notice")
        assert "(example)" in one.text.body, "it is answered: nothing is promised"


async def test_a_stranger_s_words_are_not_shown_as_he_would_not_read_them(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.accept(mail(sender="<x@evil.example>", subject="BUY PILLS"))
        one = await of_case(desk, tmp_path, "acknowledgement")
        assert "PILLS" not in f"{one.text}"


async def test_what_is_made_only_when_it_is_said_is_an_example(tmp_path: Path) -> None:
    more = '[http]\npublic_url = "https://help.example.com"\n'
    async with opened(tmp_path, CONFIG + more) as desk:
        await desk.accept(mail(vouched="example.jp"))
        one = await of_case(desk, tmp_path, "survey")
        assert "https://help.example.com/v/… (example)" in one.text.body
        one = await of_case(desk, tmp_path, "notice_promotion")
        assert "https://help.example.com/u/… (example)" in one.text.body
        assert "Example Support (example)" in one.text.body, "no sender is configured"


def typed(folder: Path, *command: str) -> Result:
    return CliRunner().invoke(app, ["preview", *command, "-c", str(folder / "config.toml")])


def test_the_command_prints_it(tmp_path: Path) -> None:
    configure(tmp_path, CONFIG)
    said = typed(tmp_path, "nudge")
    assert said.stdout.count("== ") == 4
    assert "== en, long (mail), with example facts ==\nRe: My parcel" in said.stdout
    refused = typed(tmp_path, "nothing")
    assert (refused.exit_code, 'no template "nothing"' in refused.stderr) == (1, True)


async def test_the_command_reads_a_case_and_changes_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.clock.at = datetime.now(UTC)
        await desk.accept(mail(vouched="example.jp"))
        row = await desk.one("SELECT reference FROM cases")
        said = typed(tmp_path, "nudge", "--case", row["reference"])
        assert (said.exit_code, row["reference"] in said.output) == (0, True), said.output
        missing = typed(tmp_path, "nudge", "--case", "X000-0000")
        assert (missing.exit_code, "there is no case" in missing.output) == (1, True)
        assert await desk.count("cases") == 1


def test_without_a_store_there_is_no_case_and_none_is_made(tmp_path: Path) -> None:
    configure(tmp_path, CONFIG)
    said = typed(tmp_path, "nudge", "--case", "K4TZ-9QHM")
    assert (said.exit_code, "there is no " in said.output) == (1, True)
    assert not (tmp_path / "desk.db").exists()
