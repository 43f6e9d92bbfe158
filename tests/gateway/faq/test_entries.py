"""The files of the FAQ folder: read whole, or named with the line that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.faq.entries import FaqError, read_folder

GOOD = """---
title: "How do I send something back?"
url: https://shop.example/returns
words: refund, exchange
---
Within 14 days.
"""


def written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_an_entry_is_read_with_its_language(tmp_path: Path) -> None:
    written(tmp_path, "en/returns.md", GOOD)
    written(tmp_path, "ja/returns.md", GOOD.replace("How do I send something back?", "返品の方法"))
    written(tmp_path, "ja/.draft.md", "not yet")
    english, japanese = read_folder(tmp_path)
    assert (english.name, english.title, english.language) == (
        "en/returns", "How do I send something back?", "en",
    )  # fmt: skip
    assert english.words == ("refund", "exchange")
    assert english.text == "Within 14 days."
    assert (japanese.name, japanese.language) == ("ja/returns", "ja")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hello", "line 1: must begin with a line"),
        ("---\ntitle: x\nurl: https://x.example", "line 1: must begin with a line"),
        (GOOD.replace("title:", "titel:"), 'line 2: "titel: '),
        (GOOD.replace("url: https://shop.example/returns\n", ""), "line 1: url is missing; write url: "),
        (GOOD.replace("https://shop.example/returns", ""), "line 3: url is missing"),
        (GOOD.replace("https://shop", "javascript:alert(1)//shop"), "line 3: url must be a whole"),
        (GOOD.replace("https://shop.example", "/help"), "line 3: url must be a whole"),
        (GOOD.replace("shop.example/r", "shop.example/ r"), "line 3: url must be a whole"),
        (GOOD.replace("words:", "title:"), 'line 4: "title: refund, exchange" stands twice'),
        (GOOD.replace("words: ", "language: Japanisch, "), "line 4: language must be a tag"),
        (GOOD.replace("send something", "x" * 100), "line 2: title must be one line of at most"),
        (GOOD.replace("something", "some\u202ething"), "line 2: title must be one line"),
        ("---\n" + "x" * 100_001, "longer than 100000 characters"),
    ],
)  # fmt: skip
def test_a_broken_file_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    file = written(tmp_path, "broken.md", text)
    written(tmp_path, "good.md", GOOD)
    with pytest.raises(FaqError) as caught:
        read_folder(tmp_path)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{file}")
    assert said in line


def test_every_broken_file_is_named_at_once(tmp_path: Path) -> None:
    written(tmp_path, "a.md", "")
    (tmp_path / "b.md").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FaqError) as caught:
        read_folder(tmp_path)
    assert [line.partition(".md")[0][-1] for line in str(caught.value).splitlines()] == ["a", "b"]
