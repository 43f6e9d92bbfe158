"""What a file gives: defaults, absolute paths, resolved secrets, a calendar."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from subprocess import run

import pytest
from pydantic import ValidationError

from gateway.config import Config, ConfigError, load
from gateway.config.rules import Place
from scheduler.duration import Duration

MAIL = """
[[channel]]
name = "mail"
type = "smtp"
listen = "127.0.0.1:2525"
addresses = ["support@example.com"]
send = "smtp://desk@relay.example:587?tls=starttls"
password = { env = "MAIL_PASSWORD" }
"""
ENV = {"MAIL_PASSWORD": "correct horse"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def read(folder: Path, text: str, env: dict[str, str] | None = None) -> Config:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return load(path, env or {})


def test_an_empty_file_is_valid_and_has_the_documented_defaults(folder: Path) -> None:
    config = read(folder, "")
    assert config.channels == ()
    assert config.gateway.mode == "live"
    assert config.acknowledge.reply_within == Duration.parse("4 business hours")
    assert config.acknowledge.max_age.span == timedelta(hours=24)
    assert config.acknowledge.bcc is False


def test_the_limits_of_automatic_mail_are_the_promised_ones(folder: Path) -> None:
    assert read(folder, "").acknowledge.limits.model_dump() == {
        "per_sender_day": 5,
        "unauthenticated_day": 1,
        "unauthenticated_hour": 60,
        "per_conversation_day": 5,
        "per_domain_hour": 0,
        "global_minute": 0,
        "same_words_week": 4,
        "similar_week": 20,
        "newcomers_domain_hour": 100,
    }


def test_a_channel_is_read_by_its_own_settings(folder: Path) -> None:
    (mail,) = read(folder, MAIL, ENV).channels
    assert type(mail).__name__ == "ListenerSettings"
    assert {str(own) for own in mail.own()} == {"email:support@example.com"}


def test_paths_count_from_the_folder_of_the_file_even_those_nobody_wrote(folder: Path) -> None:
    config = read(folder, "")
    assert config.gateway.data_dir == folder / "var"
    assert config.store.url == f"sqlite:///{folder / 'var/madoguchi.db'}"


def test_every_written_path_comes_out_absolute(folder: Path) -> None:
    for name in ("cert.pem", "key.pem"):
        (folder / name).touch()
    (folder / "texts").mkdir()
    send = MAIL.replace("smtp://desk@relay.example:587?tls=starttls", "maildir:out")
    tls = 'tls = "starttls"\ncertificate = "cert.pem"\nkey = "key.pem"\n'
    rest = '[gateway]\ndata_dir = "data"\n[store]\nurl = "sqlite:///x/a.db"\n'
    config = read(folder, f'{send}{tls}{rest}[acknowledge]\ntemplates = "texts"\n', ENV)
    mail = config.channels[0].model_dump()
    assert (mail["send"], mail["key"]) == (f"maildir:{folder / 'out'}", folder / "key.pem")
    assert mail["certificate"] == folder / "cert.pem"
    assert config.gateway.data_dir == folder / "data"
    assert config.store.url == f"sqlite:///{folder / 'x/a.db'}"
    assert config.acknowledge.templates == folder / "texts"


def test_absolute_paths_stay_as_they_are(folder: Path) -> None:
    config = read(
        folder, '[gateway]\ndata_dir = "/srv/m"\n[store]\nurl = "sqlite:////srv/m/a.db"\n'
    )
    assert (config.gateway.data_dir, config.store.url) == (Path("/srv/m"), "sqlite:////srv/m/a.db")


def test_relative_paths_hold_wherever_the_command_is_given(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(folder, "")
    monkeypatch.chdir(folder)
    assert load(Path("config.toml"), {}).gateway.data_dir == folder / "var"


def test_a_secret_comes_from_the_environment(folder: Path) -> None:
    assert read(folder, MAIL, ENV).channels[0].model_dump()["password"] == "correct horse"


def test_a_secret_comes_from_a_file_without_its_last_line_break(folder: Path) -> None:
    (folder / "mail").write_text("päss word \r\n", encoding="utf-8")
    text = MAIL.replace('{ env = "MAIL_PASSWORD" }', '{ file = "mail" }')
    assert read(folder, text).channels[0].model_dump()["password"] == "päss word "


def test_a_line_break_or_a_mark_around_a_secret_is_no_part_of_it(folder: Path) -> None:
    """As `echo` and editors leave them."""
    (folder / "mail").write_bytes("\ufeffcorrect horse\r\n".encode())
    text = MAIL.replace('{ env = "MAIL_PASSWORD" }', '{ file = "mail" }')
    assert read(folder, text).channels[0].model_dump()["password"] == "correct horse"
    broken = {"MAIL_PASSWORD": "correct horse\n"}
    assert read(folder, MAIL, broken).channels[0].model_dump()["password"] == "correct horse"


def test_secrets_stand_in_tables_of_users_too(folder: Path) -> None:
    for name in ("cert.pem", "key.pem"):
        (folder / name).touch()
    users = 'users = { scanner = { env = "SCANNER" } }\n'
    tls = 'tls = "starttls"\ncertificate = "cert.pem"\nkey = "key.pem"\n'
    config = read(folder, f"{MAIL}{tls}{users}", ENV | {"SCANNER": "s3cret"})
    assert config.channels[0].model_dump()["users"] == {"scanner": "s3cret"}


def test_no_secret_is_ever_printed(folder: Path) -> None:
    store = '[store]\nurl = "postgresql+psycopg://m@db/m"\npassword = { env = "DB" }\n'
    config = read(folder, MAIL + store, ENV | {"DB": "p@ss/word"})
    assert "correct horse" not in f"{config!r} {config}"
    assert "p@ss" not in f"{config!r} {config}"


def test_the_stores_password_goes_into_the_drivers_url_only(folder: Path) -> None:
    store = '[store]\nurl = "postgresql+psycopg://m@db/m"\npassword = { env = "DB" }\n'
    config = read(folder, store, {"DB": "p@ss/word"})
    assert config.store.dsn == "postgresql+psycopg://m:p%40ss%2Fword@db/m"
    assert config.store.url == "postgresql+psycopg://m@db/m"


def test_a_config_does_not_change_once_it_is_read(folder: Path) -> None:
    config = read(folder, "")
    with pytest.raises(ValidationError, match="frozen"):
        config.gateway.mode = "watch"  # type: ignore[misc] # what must not work


@pytest.mark.parametrize(("size", "octets"), [("1048576", 2**20), ('"25 MiB"', 25 * 2**20)])
def test_sizes_are_octets_or_texts(folder: Path, size: str, octets: int) -> None:
    config = read(folder, f"{MAIL}max_size = {size}\n[store]\nmin_free = {size}\n", ENV)
    assert config.channels[0].model_dump()["max_size"] == octets == config.store.min_free


def test_the_calendar_knows_the_hours_and_the_days_off(folder: Path) -> None:
    rest = '[calendar]\nhours = { mon-fri = ["09:00-12:00"], sat = [] }\nholidays = '
    config = read(folder, f'[gateway]\ntimezone = "Asia/Tokyo"\n{rest}["JP", "12-29", 2026-12-30]')
    calendar = config.calendar_()
    assert calendar.zone.key == "Asia/Tokyo"
    assert calendar.countries == ("JP",)
    assert calendar.yearly == {(12, 29)}
    assert [day.isoformat() for day in calendar.closed] == ["2026-12-30"]
    assert [bool(hours) for hours in calendar.hours] == [True] * 5 + [False] * 2


@pytest.mark.parametrize(
    ("gateway", "channel", "together"),
    [("live", "watch", "watch"), ("watch", "live", "watch"), ("live", "approve", "approve")],
)
def test_the_stricter_mode_holds(folder: Path, gateway: str, channel: str, together: str) -> None:
    text = f'{MAIL}mode = "{channel}"\n[gateway]\nmode = "{gateway}"\n'
    config = read(folder, text, ENV)
    assert config.mode_of(config.channels[0]) == together


def test_an_address_may_stand_in_two_channels_when_one_is_primary(folder: Path) -> None:
    second = MAIL.replace('"mail"', '"copy"').replace("2525", "2526")
    assert len(read(folder, f"{MAIL}primary = true\n{second}", ENV).channels) == 2


def test_port_0_is_any_port_and_never_taken(folder: Path) -> None:
    listen = MAIL.replace("2525", "0")
    config = read(folder, f'[http]\nlisten = "127.0.0.1:0"\n{listen}', ENV)
    assert config.http.listen == ("127.0.0.1", 0)


def test_a_rule_for_form_mail_says_where_things_stand(folder: Path) -> None:
    rule = """
        [[form_mail]]
        from = "form@shop.example"
        authenticated_by = ["shop.example", "192.0.2.7"]
        name = "body:お名前"
        fields = { order = "header:X-Order" }
    """
    (form,) = read(folder, rule).form_mail
    assert form.from_ == "form@shop.example"
    assert form.author == Place("header", "Reply-To")
    assert form.name == Place("body", "お名前")
    assert form.fields == {"order": Place("header", "X-Order")}


@pytest.mark.parametrize("start", ["﻿", "# 窓口\r\n"])
def test_a_file_from_windows_reads_like_any_other(folder: Path, start: str) -> None:
    path = folder / "config.toml"
    path.write_bytes(f'{start}[gateway]\r\nname = "窓口"\r\n'.encode())
    assert load(path, {}).gateway.name == "窓口"


def test_what_cannot_be_read_is_an_error_without_a_line(folder: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        load(folder / "none.toml", {})
    assert str(raised.value) == f"{folder / 'none.toml'}: cannot be read: No such file or directory"


def test_importing_it_loads_no_channel_and_no_holidays() -> None:
    script = "import sys, gateway.config; print(*sys.modules)"
    done = run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    heavy = {"aiosmtpd", "holidays", "sqlalchemy", "litestar", "apscheduler", "channels.smtp"}
    assert heavy.isdisjoint(done.stdout.split())
