"""Our texts keep their tone, and an operator's templates keep within their limits."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

import gateway
from gateway.words import AckFacts, FollowUpFacts, Words, WordsError

OWN = Path(gateway.__file__).parent / "templates"
FILES = sorted(OWN.rglob("*.txt"))

# What puts customers off, in any wording that comes close; patterns are searched in any case.
FORBIDDEN = {
    "valued customer": r"valued customer|dear customer|お客様各位",
    "do not reply": r"do not (reply|respond|answer)|no-?reply|返信しないで|返信いただいても",
    "tickets": r"ticket|チケット|#\d|#\{",
    "machine words": r"status|changed to|pending|created|作成されました|ステータス",
    "unclear times": r"business (hour|day)|営業時間以内|営業日以内|within \{",
    "no promise": r"as soon as|soon|shortly|なるべく早|できるだけ早|早急|順次",
    "blame": r"closed because|did not (answer|reply)|have not heard|返信がないため|クローズ",
    "machine times": r"UTC|GMT|\d{4}-\d\d|T\d\d:",
    "cheer": r"!|！|[\U0001F300-\U0001FAFF\u2600-\u27BF]|awesome|excited|great news",
    "links": r"https?:|www\.|click|クリック|こちらから",
    "pretending": r"\bI\b|\bI'|私は",
}


def test_the_texts_are_all_there() -> None:
    """Each in both languages, as a mail and as a few lines."""
    found = {file.relative_to(OWN).as_posix() for file in FILES}
    names = {name.partition("/")[2].partition(".")[0] for name in found}
    assert names >= {"acknowledgement", "nudge", "closing", "survey", "notice"}
    assert found == {
        f"{language}/{name}.{form}.txt"
        for language in ("en", "ja")
        for name in names
        for form in ("long", "short")
    }


@pytest.mark.parametrize("reason", FORBIDDEN)
@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_no_text_puts_customers_off(file: Path, reason: str) -> None:
    found = re.search(FORBIDDEN[reason], file.read_text(encoding="utf-8"), re.IGNORECASE)
    assert not found, found


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("valued customer", "Dear valued customer"),
        ("valued customer", "お客様各位"),
        ("do not reply", "Please do not reply to this mail"),
        ("do not reply", "このメールには返信しないでください"),
        ("tickets", "ticket #123 was created"),
        ("tickets", "チケット#123が作成されました"),
        ("machine words", "status changed to pending"),
        ("unclear times", "within 4 business hours"),
        ("no promise", "as soon as possible"),
        ("no promise", "なるべく早く"),
        ("blame", "closed because you did not answer"),
        ("blame", "ご返信がないためクローズしました"),
        ("machine times", "2026-11-24T05:00Z"),
    ],
)
def test_the_patterns_know_what_puts_customers_off(reason: str, text: str) -> None:
    assert re.search(FORBIDDEN[reason], text, re.IGNORECASE)


FACTS = AckFacts(
    gateway_name="Example Support",
    reference="K7-2044",
    now=datetime(2026, 11, 24, 10, tzinfo=UTC),
    promised_by=datetime(2026, 11, 24, 14, tzinfo=UTC),
    open_now=True,
)
LATER = FollowUpFacts(gateway_name="Example Support", reference="K7-2044", now=FACTS.now)


def written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(WordsError) as caught:
        Words(folder)
    return str(caught.value)


def test_an_operators_template_wins_and_the_rest_stays(tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        "en/acknowledgement.long.txt",
        "Subject: Got {{ reference }}\n\nBy {{ promised }}.",
    )
    words = Words(folder)
    assert words.acknowledgement(FACTS, "en", "long") == ("Got K7-2044", "By 2 pm today.\n")
    assert words.acknowledgement(FACTS, "en", "short") == Words().acknowledgement(
        FACTS, "en", "short"
    )
    assert words.acknowledgement(FACTS, "ja", "long") == Words().acknowledgement(
        FACTS, "ja", "long"
    )


def test_an_operator_adds_a_template(tmp_path: Path) -> None:
    written(tmp_path, "ja/thanks.long.txt", "Subject: お礼\n\n{{ reference }}の件\n")
    words = Words(written(tmp_path, "ja/thanks.short.txt", "\ufeff{{ reference }}の件\r\n"))
    assert "thanks" in words.names
    for language in ("ja", "en"):
        assert words.follow_up("thanks", LATER, language, "short").body == "K7-2044の件\n"


def test_a_template_without_its_other_form_is_refused(tmp_path: Path) -> None:
    said = refusal(written(tmp_path, "ja/thanks.short.txt", "{{ reference }}の件"))
    assert said == "thanks.long.txt is missing: a template needs a long and a short form"


def test_an_operator_adds_a_language(tmp_path: Path) -> None:
    dates = (OWN / "en" / "dates.toml").read_text(encoding="utf-8")
    dates = dates.replace('"{hour12} {am_pm}"', '"{hour} Uhr"').replace(
        "{time} today", "heute um {time}"
    )
    written(tmp_path, "de/dates.toml", dates)
    words = Words(
        written(tmp_path, "de/acknowledgement.short.txt", "Wir antworten {{ promised }}.")
    )
    assert words.languages == {"de", "en", "ja"}
    assert words.acknowledgement(FACTS, "de-AT", "short").body == "Wir antworten heute um 14 Uhr.\n"


def test_a_language_without_dates_is_refused(tmp_path: Path) -> None:
    text = refusal(written(tmp_path, "de/nudge.short.txt", "Alles gut?"))
    assert "dates.toml" in text


def test_readmes_and_editors_copies_are_left_alone(tmp_path: Path) -> None:
    written(tmp_path, "README.md", "About these texts")
    written(tmp_path, "en/nudge.long.txt~", "{{ unfinished")
    assert Words(written(tmp_path, "en/.nudge.long.txt", "{{ unfinished")).names == Words().names


def test_an_unknown_placeholder_is_named_with_file_and_line(tmp_path: Path) -> None:
    text = "Subject: Hello {{ nmae }}\n\nGood day.\n{{ refrence }} {{ promised_after_opening }}\n"
    lines = refusal(written(tmp_path, "en/nudge.long.txt", text)).splitlines()
    assert "nudge.long.txt line 1: unknown placeholder 'nmae'; known are answered_on," in lines[0]


def test_line_numbers_are_those_of_the_file(tmp_path: Path) -> None:
    text = "Subject: Hello\n\nGood day.\n{{ refrence }} {{ promised_after_opening }}\n"
    lines = refusal(written(tmp_path, "en/nudge.long.txt", text)).splitlines()
    assert [line.partition(";")[0].partition("txt ")[2] for line in lines] == [
        "line 4: unknown placeholder 'refrence'",
        "line 4: unknown placeholder 'promised_after_opening'",
    ]


def test_every_wrong_file_is_reported_at_once(tmp_path: Path) -> None:
    written(tmp_path, "en/nudge.short.txt", "{{ a }}")
    written(tmp_path, "ja/nudge.short.txt", "{{ b }}")
    written(tmp_path, "ja/nudge.txt", "x")
    written(tmp_path, "nudge.long.txt", "x")
    text = refusal(tmp_path)
    assert len(text.splitlines()) == 4
    assert "a template is named like nudge.long.txt" in text
    assert "templates go into a folder for their language" in text


@pytest.mark.parametrize(
    "text",
    [
        "{% for i in range(10**9) %}x{% endfor %}",
        "{{ 'a' * 10**9 }}",
        "{{ 9**9**9 }}",
        "{{ reference ~ reference }}",
        "{{ reference.__class__ }}",
        "{{ reference['x'] }}",
        "{{ reference|upper }}",
        "{{ lipsum() }}",
        "{% set x = 1 %}",
        "{% macro x() %}{% endmacro %}",
        "{% include 'acknowledgement.short.txt' %}",
        "{% import 'x' as y %}",
        "{% extends 'x' %}",
        "{{ [1, 2] }}",
    ],
)
def test_a_template_can_neither_loop_nor_reach_out(tmp_path: Path, text: str) -> None:
    """Adversarial B17."""
    said = refusal(written(tmp_path, "en/nudge.short.txt", f"Hello\n{text}"))
    assert re.search(r"nudge\.short\.txt line 2: \w+ is not possible here; a template knows", said)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ reference", "line 1: unexpected end of template"),
        ("{% if phone %}x", "line 1: Unexpected end of template"),
        ("{% loop %}", "line 1: Encountered unknown tag 'loop'"),
        ("{% if phone %}" * 200 + "{% endif %}" * 200, "nested too deeply"),
        ("{{ " + "(" * 3000 + "phone" + ")" * 3000 + " }}", "nested too deeply"),
        ("{{ " + "not " * 4000 + "phone }}", "nested too deeply"),
        ("{{ " + "9" * 5000 + " }}", "nested too deeply, or a number too long"),
        ("x" * 20_001, "longer than 20000 characters"),
        ("Subject: Hello\n", 'is short and has no line "Subject: …"'),
    ],
)
def test_a_broken_template_is_refused(tmp_path: Path, text: str, message: str) -> None:
    said = refusal(written(tmp_path, "en/nudge.short.txt", text))
    assert message in said
    assert len(said) < 500


def test_a_mail_needs_a_subject(tmp_path: Path) -> None:
    said = refusal(written(tmp_path, "en/nudge.long.txt", "Hello"))
    assert 'nudge.long.txt line 1: this template must begin with a line "Subject: …"' in said


def test_a_file_in_another_charset_is_refused(tmp_path: Path) -> None:
    written(tmp_path, "ja/nudge.short.txt", "")
    (tmp_path / "ja" / "nudge.short.txt").write_bytes("返信".encode("cp932"))
    assert "nudge.short.txt: 'utf-8' codec can't decode" in refusal(tmp_path)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nowhere").endswith("nowhere: there is no such folder")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'today = "{time} today"',
            'today = "{hour} today"',
            "today: {hour} is not known here; possible: {time}",
        ),
        (
            'today = "{time} today"',
            'today = "{time.__class__}"',
            "{time.__class__} is not known here",
        ),
        ('today = "{time} today"', 'today = "{time:>99999999}"', "{time} is not known here"),
        ('today = "{time} today"', 'today = "{time"', "today: expected '}'"),
        ('today = "{time} today"', "today = 1", "today is missing; it must be a text"),
        ('noon = "noon"', "", "noon is missing"),
        ('noon = "noon"', 'nun = "noon"\nnoon = "noon"', "unknown key 'nun'; known are weekdays"),
        ('"Monday", ', "", "weekdays must be a list of 7 names"),
        ('noon = "noon"', "noon =", "Invalid value"),
    ],
)
def test_wrong_dates_are_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    dates = (OWN / "en" / "dates.toml").read_text(encoding="utf-8")
    assert old in dates
    assert message in refusal(written(tmp_path, "en/dates.toml", dates.replace(old, new)))
