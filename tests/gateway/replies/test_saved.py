"""Saved replies: ours in both languages, a folder's, and what is wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.replies.fill import proper, too_little
from gateway.replies.saved import Replies
from gateway.watch.checking import texts
from gateway.words import WordsError, dates_of
from tests.gateway.words.test_templates import FORBIDDEN
from tests.making import CONFIG, configure

GOOD = "Title: A parcel was lost\nHello {{ customer_name }}, {{ personal }} {{ agent }}\n"
DATES = dates_of(None)


def written(folder: Path, name: str, text: str = GOOD) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_ours_are_there_in_both_languages() -> None:
    ours = Replies(None, "en", DATES)
    names = ["delay", "details", "done", "looking", "sorry"]
    assert [(one.name, one.language) for one in ours.all] == [
        (name, language) for name in names for language in ("en", "ja")
    ]
    assert not list(ours.missing({"en", "ja"}))
    for one in ours.all:
        assert "{{ personal }}" in one.source
        assert "{{ reference }}" in one.source


@pytest.mark.parametrize("reason", sorted(set(FORBIDDEN) - {"pretending"}))  # a person writes these
def test_ours_put_no_customer_off(reason: str) -> None:
    import re

    for one in Replies(None, "en", DATES).all:
        assert not re.search(FORBIDDEN[reason], one.source, re.IGNORECASE), one.name


def test_a_folder_s_come_beside_ours_and_replace_them(tmp_path: Path) -> None:
    written(tmp_path, "en/lost.txt")
    written(tmp_path, "ja/details.txt", "Title: 別の文\n{{ personal }}\n")
    written(tmp_path, ".git/x.txt", "no")
    replies = Replies(tmp_path, "en", DATES)
    found = replies.find("details", "ja")
    assert found
    assert found.title == "別の文"
    lost = replies.find("lost", "ja-JP")
    assert lost
    assert lost.language == "en"
    assert replies.find("nothing", "en") is None
    assert list(replies.missing({"ja"})) == [("lost", "ja")]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("en/lost.txt", GOOD.replace("Title: ", ""), 'line 1: must begin with a line "Title: …"'),
        ("en/lost.txt", "Title:\n{{ personal }}", 'line 1: must begin with a line "Title: …"'),
        ("en/lost.txt", "Title: x\nHello\n", "line 2: has no {{ personal }}"),
        ("en/lost.txt", GOOD + "{{ secret }}", "line 3: unknown placeholder 'secret'; known are "),
        ("en/lost.txt", GOOD + "{% for x in agent %}{% endfor %}", "line 3: for is not possible"),
        ("en/lost.txt", GOOD + "{{ agent.__class__ }}", "line 3: getattr is not possible"),
        ("en/Lost.txt", GOOD, "named like en/details.txt"),
        ("de/lost.txt", GOOD + "{{ promised }}", "add de/dates.toml"),
    ],
)
def test_a_broken_one_is_named_with_its_line_and_remedy(
    tmp_path: Path, name: str, text: str, said: str
) -> None:
    file = written(tmp_path, name, text)
    with pytest.raises(WordsError) as caught:
        Replies(tmp_path, "en", DATES)
    assert str(caught.value).startswith(str(file))
    assert said in str(caught.value)


def test_check_refuses_one_that_is_missing_in_a_language_that_we_speak(tmp_path: Path) -> None:
    written(tmp_path, "replies/en/lost.txt")
    text = CONFIG.replace('type = "smtp"', 'type = "smtp"\nlanguage = "ja"')
    found = [str(x) for x in texts(configure(tmp_path, text + '[replies]\nfolder = "replies"\n'))]
    (said,) = [one for one in found if "saved reply" in one]
    assert said.startswith("error: saved reply lost is missing in ja; add ja/lost.txt to ")
    written(tmp_path, "replies/ja/lost.txt", GOOD + "{{ nonsense }}")
    found = [str(x) for x in texts(configure(tmp_path, text + '[replies]\nfolder = "replies"\n'))]
    assert any(one.startswith("error: ") and "'nonsense'" in one for one in found)


@pytest.mark.parametrize(
    "said", ["", "   \n", "Thank you", ".......... ....", "ああああああああああああ"]
)
def test_what_is_said_to_everybody_is_not_personal(said: str) -> None:
    assert "at least 10 characters" in too_little(said)


@pytest.mark.parametrize("said", ["Your blue lamp is here.", "青いランプが本日届きました。"])
def test_a_line_of_ones_own_is(said: str) -> None:
    assert too_little(said) == ""


@pytest.mark.parametrize(
    ("shown", "name"),
    [
        ("Yuki Tanaka", "Yuki Tanaka"),
        (" 田中  ゆき ", "田中 ゆき"),
        ("Anne-Marie O’Neil", "Anne-Marie O’Neil"),
        ("ゆき🌸", ""),
        ("yuki@example.jp", ""),
        ("Shop (via Support)", ""),
        ("<b>Yuki", ""),
        ("a\u202eb", ""),
        ("x" * 61, ""),
    ],
)
def test_only_what_can_be_a_name_is_one(shown: str, name: str) -> None:
    assert proper(shown) == name
