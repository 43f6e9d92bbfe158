"""What the commands show before anything goes live, without a store."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.cli import app
from gateway.config import load
from gateway.preview import NotPossible, mail, template
from gateway.watch.checking import texts
from gateway.words.sheets import Form
from tests import making
from tests.making import CONFIG, NOON, configure

ROUTE = """
[[route]]
name = "complaints"
keyword = "苦情"
sensitive = true
[[route]]
name = "drafts"
mode = "approve"
[[follow_up]]
name = "remind"
when = "unanswered"
after = "4 hours"
notify = ["boss@example.com"]
"""


def tried(tmp_path: Path, raw: bytes, config: str = CONFIG + ROUTE) -> str:
    (tmp_path / "mail.eml").write_bytes(raw)
    return "\n".join(mail(configure(tmp_path, config), tmp_path / "mail.eml", NOON))


def test_a_mail_shows_its_routes_its_case_and_its_words(tmp_path: Path) -> None:
    said = tried(tmp_path, making.mail(subject="=?utf-8?b?6Ium5oOF?="))
    assert "route: complaints, drafts (tags sensitive; mode approve)" in said
    assert "acknowledgement: sent (a new case)" in said
    assert "follow-up remind: due 2026-11-24T03:00" in said
    assert "delivery: draft" in said
    assert "Example Support" in said
    assert {path.name for path in tmp_path.iterdir()} == {"config.toml", "mail.eml"}


def test_a_mail_that_would_not_be_answered_says_why(tmp_path: Path) -> None:
    said = tried(tmp_path, making.mail(Auto_Submitted="auto-replied"))
    assert "acknowledgement: silence (automatic mail" in said


def test_without_a_way_for_mail_there_is_nothing_to_try(tmp_path: Path) -> None:
    with pytest.raises(NotPossible, match="no channel of the file takes mail"):
        tried(tmp_path, making.mail(), "[gateway]\n")


@pytest.mark.parametrize("name", ["acknowledgement", "nudge", "closing", "survey", "notice"])
@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("form", ["long", "short"])
def test_every_template_can_be_read_before_a_customer_does(
    tmp_path: Path, name: str, language: str, form: Form
) -> None:
    said = template(configure(tmp_path), name, language, form, NOON)
    assert said.body.strip()
    assert bool(said.subject) == (form == "long")


def test_an_unknown_template_is_answered_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(
        NotPossible, match='no template "nugde"; there are acknowledgement, closing'
    ):
        template(configure(tmp_path), "nugde", "", "long", NOON)


def typed(tmp_path: Path, *command: str) -> Result:
    configure(tmp_path, CONFIG + ROUTE)
    return CliRunner().invoke(app, [*command, "-c", str(tmp_path / "config.toml")])


def test_the_commands_print_it(tmp_path: Path) -> None:
    (tmp_path / "mail.eml").write_bytes(making.mail())
    shown = typed(tmp_path, "check", "--route", str(tmp_path / "mail.eml"))
    assert (shown.exit_code, shown.stdout.splitlines()[0]) == (0, "channel: mail")
    assert (
        "K4TZ-9QHM"
        in typed(tmp_path, "preview", "nudge", "--short").stdout
        + typed(tmp_path, "preview", "acknowledgement", "--short").stdout
    )
    refused = typed(tmp_path, "preview", "nothing")
    assert refused.exit_code == 1
    assert 'no template "nothing"' in refused.stderr
    assert typed(tmp_path, "check", "--route", str(tmp_path / "none.eml")).exit_code == 1


def test_a_template_that_misses_a_language_is_told_with_its_remedy(tmp_path: Path) -> None:
    words = tmp_path / "words/en"
    words.mkdir(parents=True)
    for form, subject in (("long", "Subject: Hi\n\n"), ("short", "")):
        (words / f"acknowledgement_x.{form}.txt").write_text(f"{subject}Thanks.")
    route = '[acknowledge]\ntemplates = "words"\n[[route]]\nname = "x"\n'
    route += 'template = "acknowledgement_x"\n'
    japanese = CONFIG.replace('type = "smtp"', 'type = "smtp"\nlanguage = "ja-JP"')
    (found,) = texts(configure(tmp_path, japanese + route))
    assert found.is_error
    assert found.text.startswith("channel[0].language: template acknowledgement_x is missing in ja")
    assert "add ja-JP/acknowledgement_x.long.txt" in found.text
    refused = CliRunner().invoke(app, ["check", "-c", str(tmp_path / "config.toml")])
    assert refused.exit_code == 1
    assert "config.toml:10: channel[0].language: template acknowledgement_x" in refused.output


async def test_a_template_is_shown_with_the_facts_of_a_case(tmp_path: Path) -> None:
    async with making.opened(tmp_path) as desk:
        await desk.accept(making.mail(vouched="example.jp"))
        await desk.accept(making.mail(sender="<x@evil.example>", subject="BUY PILLS"))
        first, second = await desk.rows("SELECT reference FROM cases ORDER BY id")
        path = tmp_path / "config.toml"
        said = _preview(path, "nudge", first["reference"].lower())
        assert said.exit_code == 0, said.output
        assert "Re: Where is my parcel?" in said.output
        assert "PILLS" not in _preview(path, "acknowledgement", second["reference"]).output
        missing = _preview(path, "nudge", "X000-0000")
        assert (missing.exit_code, "there is no case" in missing.output) == (1, True)
        assert await desk.count("cases") == 2


def _preview(config: Path, name: str, reference: str) -> Result:
    return CliRunner().invoke(app, ["preview", name, "--case", reference, "-c", str(config)])


def test_without_a_store_there_is_no_case_and_none_is_made(tmp_path: Path) -> None:
    configure(tmp_path, CONFIG)
    said = _preview(tmp_path / "config.toml", "nudge", "K4TZ-9QHM")
    assert (said.exit_code, "there is no " in said.output) == (1, True)
    assert not (tmp_path / "desk.db").exists()


NUDGE = '[[follow_up]]\nname = "a"\nwhen = "pending"\nafter = "1 day"\nsend = "nudge"\n'


@pytest.mark.parametrize(
    ("rules", "key"),
    [
        (NUDGE + 'language = ["ja", "fr"]\n', "follow_up[0].language"),
        (
            '[[route]]\nname = "a"\nlanguage = "fr"\ntemplate = "acknowledgement"\n',
            "route[0].language",
        ),
    ],
)
def test_a_rule_for_a_language_needs_words_in_it(tmp_path: Path, rules: str, key: str) -> None:
    found = [str(one) for one in texts(configure(tmp_path, CONFIG + rules)) if one.is_error]
    (said,) = found
    assert said.startswith(f"error: {key}: template ")
    assert "is missing in fr; add fr/" in said


def test_messengers_need_the_short_form_in_their_language(tmp_path: Path) -> None:
    for language, form in (("en", "long"), ("en", "short"), ("ja", "long")):
        head = "Subject: Spring\n\n" if form == "long" else ""
        file = tmp_path / "words" / language / f"spring.{form}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{head}It is spring.\n")
    said = CONFIG + '[acknowledge]\ntemplates = "words"\n' + NUDGE.replace('"nudge"', '"spring"')
    said += 'language = "ja"\n'
    assert not [one for one in texts(configure(tmp_path, said)) if one.is_error]
    bot = '[[channel]]\nname = "bot"\ntype = "telegram"\ntoken = { env = "TOKEN" }\n'
    (tmp_path / "config.toml").write_text(said + bot)
    (missing,) = (
        one for one in texts(load(tmp_path / "config.toml", {"TOKEN": "1:a"})) if one.is_error
    )
    assert str(missing).startswith("error: follow_up[0].language: template spring is missing in ja")
