"""A broken file: every error at once, each with its line, its key and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config import ConfigError, Problem, load

CHANNEL = """\
[[channel]]
name = "mail"
type = "smtp"
listen = "127.0.0.1:2525"
addresses = ["support@example.com"]
send = "maildir:var/sent"
"""


def problems(folder: Path, text: str | bytes, env: dict[str, str] | None = None) -> list[Problem]:
    """All that is wrong with a file; [] when it is fine."""
    path = folder / "config.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    try:
        load(path, env or {})
    except ConfigError as error:
        return list(error.problems)
    return []


def test_an_error_prints_as_file_line_key_and_what_would_be_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("config.toml").write_text(CHANNEL.replace("listen", "lisen"), encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        load(Path("config.toml"), {})
    assert str(raised.value) == (
        'config.toml:4: channel[0].lisen: unknown key; did you mean "listen"?'
    )


def test_all_errors_come_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = """\
[gateway]
timezone = "Asia/Tokio"
[store]
url = "mysql://x/y"
[http]
listen = "8025"
[[channel]]
name = "mail"
type = "smtp"
listen = "127.0.0.1:99999"
addresses = ["support"]
[acknowledge]
enabled = "yes"
reply_within = 4 hours
max_age = "a day"
[acknowledge.limits]
per_sender_day = -1
[calendar]
hours = { mon-fri = ["12:00-09:00"] }
holidays = "ZZ"
[[follow_up]]
name = "nudge"
when = "waiting"
after = "soon"
[telegrm]
"""
    assert [(line, key) for line, key, _ in problems(tmp_path, text)] == [
        (2, "gateway.timezone"),
        (4, "store.url"),
        (6, "http.listen"),
        (7, "channel[0].send"),
        (10, "channel[0].listen"),
        (11, "channel[0].addresses"),
        (13, "acknowledge.enabled"),
        (14, "acknowledge.reply_within"),
        (15, "acknowledge.max_age"),
        (17, "acknowledge.limits.per_sender_day"),
        (19, "calendar.hours.mon-fri"),
        (20, "calendar.holidays"),
        (21, "follow_up[0]"),
        (23, "follow_up[0].when"),
        (24, "follow_up[0].after"),
        (25, "telegrm"),
    ]


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ("[aknowledge]", "aknowledge", 'did you mean "acknowledge"?'),
        ("[http]\nport = 1", "http.port", "possible here: listen"),
        ('[gateway]\nNAME = "x"', "gateway.NAME", 'did you mean "name"?'),
        ("[acknowledge]\nreply-within = 1", "acknowledge.reply-within", '"reply_within"'),
        ("[acknowledge]\nenabled = 1", "acknowledge.enabled", "true or false, without quotes"),
        ("[gateway]\nname = 7", "gateway.name", "a text in quotes"),
        ('gateway = "x"', "gateway", "must be a table"),
        ("[[gateway]]", "gateway", "must be a table"),
        ("[channel]", "channel", "must be a list"),
        ("channel = [1]", "channel[0]", "[[channel]]"),
        ('[gateway]\nmode = "wach"', "gateway.mode", 'did you mean "watch"?'),
        ('[gateway]\ntimezone = "Asia/Tokio"', "gateway.timezone", 'mean "Asia/Tokyo"?'),
        ('[gateway]\ntimezone = "tokyo"', "gateway.timezone", "Tokyo"),
        ('[gateway]\ntimezone = "../etc"', "gateway.timezone", "not a time zone"),
        ('[gateway]\nlanguage = "English"', "gateway.language", '"ja"'),
        ('[gateway]\nhostname = "a b"', "gateway.hostname", '"mail.example.com"'),
        ('[store]\nurl = "sqlite://"', "store.url", "sqlite:///var/madoguchi.db"),
        ('[store]\nurl = "postgresql://h/d"', "store.url", "postgresql+psycopg://"),
        ('[store]\nmin_free = "lots"', "store.min_free", '"25 MiB"'),
        ("[store]\nmin_free = -1", "store.min_free", '"25 MiB"'),
        ('[http]\nlisten = "localhost"', "http.listen", "HOST:PORT"),
        ('[http]\nlisten = "::1:80"', "http.listen", "[::1]:2525"),
        ('[http]\nlisten = "h:65536"', "http.listen", "65535"),
        ('[acknowledge]\nmax_age = "2 business days"', "acknowledge.max_age", "without"),
        ('[acknowledge]\nmax_age = "1 fortnight"', "acknowledge.max_age", '"10 minutes"'),
        ('[acknowledge]\ntemplates = "none"', "acknowledge.templates", "there is no"),
        ("[calendar]\nhours.mon = 9", "calendar.hours.mon", "a list"),
        ('[calendar]\nhours.mon = ["9"]', "calendar.hours.mon", '"09:00-18:00"'),
        ('[calendar]\nhours.mon = ["09:00-12:00", "11:00-13:00"]', "calendar.hours.mon", "overlap"),
        ('[calendar]\nhours.mon = ["24:00-25:00"]', "calendar.hours.mon", "24:00"),
        ("[calendar]\nhours.mon = []", "calendar.hours", "no opening hours"),
        ('[calendar]\nhours = {mon = ["9:00-10:00"], mon-tue = []}', "calendar.hours", "twice"),
        ('[calendar]\nholidays = ["JP", "2026-13-01"]', "calendar.holidays[1]", "12-29"),
        ('[calendar]\nclosed = ["2026-12-29", "1229"]', "calendar.closed[1]", "12-29"),
        ('[calendar]\nclosed = ["JP"]', "calendar.closed[0]", '"2026-12-29"'),
        ('[calendar]\nopen = ["12-29"]', "calendar.open[0]", "of one year"),
        ('[calendar]\nopen = ["2026-12-29 9-5"]', "calendar.open[0]", '"09:00-18:00"'),
        ('[calendar]\nopen = ["2026-12-26"]', "calendar.open[0]", '"2026-12-26 10:00-15:00"'),
        (
            '[calendar]\nopen = ["2026-12-29 10:00-12:00"]\nclosed = ["2026-12-29"]',
            "calendar.closed[0]",
            "one of the two",
        ),
        ('[[calendars]]\nname = "a"\ntimezone = "Asia/Tokio"', "calendars[0].timezone", "Tokyo"),
        ('[[calendars]]\nname = "a"\n[[calendars]]\nname = "a"', "calendars[1].name", "already"),
        ('[promise]\nwarn = "next business day 10:00"', "promise.warn", "a length"),
        ('[authentication]\ndns = "resolver"', "authentication.dns", "HOST:PORT"),
        ('[authentication]\ndns = "resolver:53"', "authentication.dns", "an IP address"),
    ],
)
def test_what_is_wrong_is_said_with_what_would_be_right(
    tmp_path: Path, text: str, key: str, said: str
) -> None:
    (problem,) = problems(tmp_path, text)
    assert problem.line == len(text.split("\n"))
    assert problem.key == key
    assert said in problem.message


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "said"),
    [
        ('"smtp"', '"discord"', 3, "type", "not available in this version"),
        ('"smtp"', '"smpt"', 3, "type", 'did you mean "smtp"?'),
        ('"smtp"', "1", 3, "type", 'possible here: "smtp", "lmtp"'),
        ('type = "smtp"\n', "", 1, "type", "is missing"),
        ('listen = "127.0.0.1:2525"\n', "", 1, "listen", 'listen = "127.0.0.1:2525"'),
        ('"127.0.0.1:2525"', '"127.0.0.1:8025"', 4, "listen", "taken by [http]"),
        ('"127.0.0.1:2525"', '"0.0.0.0:8025"', 4, "listen", "taken by [http]"),
        ('["support@example.com"]', "[]", 5, "addresses", "must not be empty"),
        ('["support@example.com"]', '"support@example.com"', 5, "addresses", "a list"),
        ('["support@example.com"]', '["a@b.c", "A@b.c"]', 5, "addresses[1]", "twice"),
        ('"maildir:var/sent"', '"sendmail"', 6, "send", "maildir:PATH"),
        ('"maildir:var/sent"', '"smtp://relay"', 6, "send", "names no port"),
        ('"maildir:var/sent"', '"smtp://relay:smtp"', 6, "send", "must be a number"),
        ('"maildir:var/sent"', '"smtp://relay:25?tls=yes"', 6, "send", '"starttls"'),
        ('"maildir:var/sent"', '"smtp://me@relay:587"', 1, "password", '"me" in send logs in'),
        ('"maildir:var/sent"', '"smtp://relay:25?ssl=1"', 6, "send", "?tls="),
        ("send =", 'trusted_relays = ["mx"]\nsend =', 6, "trusted_relays[0]", "IP address"),
        ("send =", 'tls = "implicit"\nsend =', 1, "", "certificate"),
        ("send =", 'key = "no.pem"\nsend =', 6, "key", "there is no"),
    ],
)
def test_what_is_wrong_with_a_channel_is_said(
    tmp_path: Path, old: str, new: str, line: int, key: str, said: str
) -> None:
    (problem,) = problems(tmp_path, CHANNEL.replace(old, new))
    assert (problem.line, problem.key) == (line, f"channel[0].{key}".rstrip("."))
    assert said in problem.message


def test_two_channels_share_no_name_no_address_and_no_port(tmp_path: Path) -> None:
    found = problems(tmp_path, CHANNEL + CHANNEL)
    assert [(line, key) for line, key, _ in found] == [
        (8, "channel[1].name"),
        (10, "channel[1].listen"),
        (11, "channel[1].addresses"),
    ]
    assert "one of them must say primary = true" in found[2].message


def test_only_one_channel_is_primary(tmp_path: Path) -> None:
    first = f"{CHANNEL}primary = true\n"
    second = (
        first.replace('"mail"', '"other"').replace("2525", "2526").replace("support", "SUPPORT")
    )
    (problem,) = problems(tmp_path, first + second)
    assert (problem.line, problem.key) == (12, "channel[1].addresses")
    assert "only one of them may say primary = true" in problem.message


def test_what_two_channels_share_is_told_beside_other_errors(tmp_path: Path) -> None:
    broken = CHANNEL.replace("smtp", "smpt")
    keys = [problem.key for problem in problems(tmp_path, CHANNEL + broken)]
    assert keys == [f"channel[1].{key}" for key in ("name", "type", "listen", "addresses")]


@pytest.mark.parametrize(
    ("actions", "said"),
    [
        ("", 'has no action; write exactly one of "send", "notify" or "set_status"'),
        ('send = "nudge"\nset_status = "open"', 'has "send" and "set_status"'),
        ('send = "nugde"', 'the template "nugde" is not there; possible: "closing"'),
        ('send = "acknowledgement"', 'the template "acknowledgement" is for something else'),
        ('send = "reminder"', 'the template "reminder" is for something else'),
        ("notify = []\n" + CHANNEL, "names nobody; write"),
        ('notify = ["boss"]\n' + CHANNEL, "is not an address"),
        ('set_status = "done"', '"resolved"'),
        (
            'send = "nudge"\n[[follow_up]]\nname="a"\nwhen="new"\nafter="1 day"\nsend="nudge"',
            "called",
        ),
    ],
)
def test_a_follow_up_does_one_possible_thing(tmp_path: Path, actions: str, said: str) -> None:
    rule = '[[follow_up]]\nname = "a"\nwhen = "pending"\nafter = "1 day"\n'
    (problem,) = problems(tmp_path, rule + actions)
    assert said in problem.message


RING = """
[[follow_up]]
name = "a"
when = "pending"
after = "1 day"
set_status = "on_hold"
[[follow_up]]
name = "b"
when = "on_hold"
after = "1 day"
set_status = "pending"
"""


def test_follow_ups_that_lead_in_a_circle_are_refused(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, RING)
    assert (problem.line, problem.key) == (11, "follow_up[1].set_status")
    assert '"pending" leads back to "on_hold"' in problem.message
    line = RING[: RING.rindex("pending")] + 'resolved"'
    assert problems(tmp_path, line) == []


def test_a_follow_up_that_tells_people_needs_a_way_to_mail(tmp_path: Path) -> None:
    rule = '[[follow_up]]\nname = "a"\nwhen = "new"\nafter = "1 day"\nnotify = ["a@example.com"]\n'
    (problem,) = problems(tmp_path, rule)
    assert "needs a channel that sends mail" in problem.message
    assert problems(tmp_path, rule + CHANNEL) == []


def test_a_follow_up_may_send_a_template_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "thanks.long.txt").touch()
    rule = '[[follow_up]]\nname = "a"\nwhen = "resolved"\nafter = "1 day"\nsend = "thanks"\n'
    assert problems(tmp_path, f'{rule}[acknowledge]\ntemplates = "texts"') == []


@pytest.mark.parametrize(
    ("text", "line", "key", "said"),
    [
        ("a = 4 hours", 1, "a", "straight quotes"),
        ("\n[x]\na = True", 3, "x.a", "lower case"),
        ('[gateway]\nname = "a', 2, "gateway.name", "closing quote"),
        ('[gateway]\nname = "a"\nname = "b"', 3, "gateway.name", "second time"),
        ("[gateway]\n[http]\n[gateway]", 3, "", "second time"),
        ('a = ["x",\nb = "y"', 2, "a[1]", "value"),
        ('a = ["x"\nb = "y"', 2, "a[1]", '"]" is missing'),
        ("[[channel]\n", 1, "", "]]"),
        ("hello\n", 1, "", "="),
        ('a = """\n\n', 1, "a", "closing quote"),
        (b'[gateway]\nname = "\x91\x8b"', 2, "", "UTF-8"),
        ("a = " + "[" * 5000, 0, "", "too deeply"),
    ],
)
def test_what_is_not_toml_is_said_with_its_line(
    tmp_path: Path, text: str | bytes, line: int, key: str, said: str
) -> None:
    first = next(p for p in problems(tmp_path, text) if said in p.message)
    assert (first.line, first.key) == (line, key)


def test_one_bad_value_hides_no_other_error(tmp_path: Path) -> None:
    text = CHANNEL.replace('"127.0.0.1:2525"', "2525 or so").replace("send", "sned")
    text += "proxy_protocol = maybe\nmode = 1\n"
    assert [(line, key) for line, key, _ in problems(tmp_path, text)] == [
        (4, "channel[0].listen"),
        (6, "channel[0].sned"),
        (7, "channel[0].proxy_protocol"),
        (8, "channel[0].mode"),
    ]


def test_what_watches_over_promises_needs_a_way_to_tell(tmp_path: Path) -> None:
    text = '[acknowledge]\nenabled = false\n[promise]\nnotify = ["a@example.com"]\n'
    (nobody,) = problems(tmp_path, text)
    assert (nobody.line, nobody.key) == (4, "promise.notify")
    assert "needs a channel that sends mail" in nobody.message


def test_a_rule_is_not_called_like_one_of_ours(tmp_path: Path) -> None:
    text = '[[follow_up]]\nname = "promise.warn"\nwhen = "new"\nafter = "1 day"\nsend = "nudge"\n'
    (problem,) = problems(tmp_path, text)
    assert (problem.line, problem.key) == (2, "follow_up[0].name")
    assert 'must not begin with "promise."' in problem.message


FULL = (Path(__file__).parents[3] / "config.toml").read_text(encoding="utf-8")
NEVER_RIGHT = ("nan", "[[1]]", "oops", '"', "[", "")
PERHAPS = ("1", "-1", "2.5", "true", '""', '"x"', '"é/:@?%"', "[]", '["x", 1]', "{}", "2026-12-29")
VALUES = (*NEVER_RIGHT, *PERHAPS, '{ env = "X" }', "{ a = [{ b = 1 }] }", "07:32:00")


@pytest.mark.parametrize("value", VALUES)
def test_whatever_stands_for_a_value_is_read_or_told_on_its_line(
    tmp_path: Path, value: str
) -> None:
    lines = FULL.replace("# [[", "[[").split("\n")
    for number, line in enumerate(lines, 1):
        key, equals, _ = line.partition(" = ")
        if equals and not key.startswith("#"):
            changed = [*lines[: number - 1], f"{key} = {value}", *lines[number:]]
            found = problems(tmp_path, "\n".join(changed))
            assert all(0 < problem.line <= len(lines) and problem.message for problem in found)
            assert found or value not in NEVER_RIGHT


def test_a_text_of_another_form_is_told_what_it_should_be(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("short")
    table = """[[channel]]
name = "wa"
type = "whatsapp"
phone_number_id = "+815012345678"
access_token = { file = "secret" }
app_secret = { file = "secret" }
verify_token = { file = "secret" }"""
    number, token = problems(tmp_path, table)
    assert number.line == 4
    assert "The ID of the number (not the number)" in number.message
    assert 'phone_number_id = "106540352242922"' in number.message
    assert token.message == "must be 8 characters or more"
