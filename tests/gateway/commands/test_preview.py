"""What would become of a mail, before anything goes live and without a store."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.cli import app
from gateway.commands.preview import mail
from gateway.commands.specimen import NotPossible
from gateway.watch.checking import texts
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


def typed(tmp_path: Path, *command: str) -> Result:
    configure(tmp_path, CONFIG + ROUTE)
    return CliRunner().invoke(app, [*command, "-c", str(tmp_path / "config.toml")])


def test_the_commands_print_it(tmp_path: Path) -> None:
    (tmp_path / "mail.eml").write_bytes(making.mail())
    shown = typed(tmp_path, "check", "--route", str(tmp_path / "mail.eml"))
    assert (shown.exit_code, shown.stdout.splitlines()[0]) == (0, "channel: mail")
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


def test_a_mail_that_is_only_watched_shows_what_would_be_said(tmp_path: Path) -> None:
    watched = CONFIG.replace('type = "smtp"', 'type = "smtp"\nmode = "watch"')
    said = tried(tmp_path, making.mail(), watched)
    assert "acknowledgement: silence (watching" in said
    assert "delivery:" not in said
    assert "Your message is safely with us" in said
