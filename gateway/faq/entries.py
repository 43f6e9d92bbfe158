"""Reads the FAQ folder: one Markdown file a question, with a title and an address at its head."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from gateway.words.sheets import WordsError
from normalizer.language import detect

_KEYS: Final = ("title", "url", "language", "words")
_FENCE: Final = "---"
_MOST: Final = 100_000  # characters of one file
_LONGEST_TITLE: Final = 100
_LINE: Final = re.compile(r"([a-z]+)\s*:\s*(.*)")


class Entry(NamedTuple):
    """One question: its name (the file's path), how it is called, where it is answered, and its words."""

    name: str
    title: str
    url: str
    language: str
    words: tuple[str, ...]
    text: str


class FaqError(WordsError):
    """Files that cannot be used; the message has one line for each problem."""


def read_folder(folder: Path) -> tuple[Entry, ...]:
    """Every entry, in the order of the file names. FaqError lists all that is wrong, with lines."""
    entries, problems = [], []
    files = (file for file in sorted(folder.rglob("*.md")) if file.name[0] not in "._")
    for file in files:
        try:
            name = file.relative_to(folder).with_suffix("").as_posix().replace(",", "_")
            entries.append(read_file(file, name))
        except FaqError as error:
            problems.append(str(error))
    if problems:
        raise FaqError("\n".join(problems))
    return tuple(entries)


def read_file(file: Path, name: str) -> Entry:
    """One entry; FaqError says in which line what is wrong, and what would be right."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FaqError(f"{file}: {error}") from None
    if sum(map(len, lines)) > _MOST:
        raise FaqError(f"{file}: longer than {_MOST} characters")
    head, text = _parted(file, lines)
    if problems := [f"{file} {problem}" for problem in _problems(head)]:
        raise FaqError("\n".join(problems))
    said = {key: value for key, (_, value) in head.items()}
    words = tuple(filter(None, (one.strip() for one in said.get("words", "").split(","))))
    language = said.get("language") or _folder(name) or detect(f"{said['title']}\n{text}")
    return Entry(name, said["title"], said["url"], language.lower(), words, text)


def _folder(name: str) -> str:
    """The language that a folder is named after: ja/returns."""
    first, slash, _ = name.partition("/")
    return first if slash and re.fullmatch(r"[a-z]{2}", first) else ""


def _parted(file: Path, lines: list[str]) -> tuple[dict[str, tuple[int, str]], str]:
    """The keys of the head, each with its line, and the text below it."""
    ends = [number for number, line in enumerate(lines) if line.strip() == _FENCE][:2]
    if len(ends) < 2 or ends[0] != 0:
        raise FaqError(
            f'{file} line 1: must begin with a line "---", then title: and url:, then "---" again'
        )
    head: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(lines[1 : ends[1]], 2):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        found = _LINE.fullmatch(line.strip())
        if found is None or found[1] not in _KEYS or found[1] in head:
            what = "stands twice" if found and found[1] in head else f"must be {_known()}"
            raise FaqError(f'{file} line {number}: "{line.strip()[:60]}" {what}')
        head[found[1]] = number, found[2].strip().strip("\"'").strip()
    return head, "\n".join(lines[ends[1] + 1 :])


def _known() -> str:
    return f"one of {', '.join(f'{key}: …' for key in _KEYS)}"


def _problems(head: dict[str, tuple[int, str]]) -> Iterator[str]:
    for key in ("title", "url"):
        if not head.get(key, (0, ""))[1]:
            yield f"line {head.get(key, (1, ''))[0]}: {key} is missing; write {_EXAMPLES[key]}"
    line, title = head.get("title", (0, ""))
    if len(title) > _LONGEST_TITLE or not title.isprintable():
        yield f"line {line}: title must be one line of at most {_LONGEST_TITLE} characters"
    line, url = head.get("url", (0, ""))
    if url and not _is_address(url):
        yield f'line {line}: url must be a whole address such as "https://shop.example/returns"'
    line, language = head.get("language", (0, ""))
    if language and not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]+)*", language):
        yield f'line {line}: language must be a tag such as "ja" or "en"'


_EXAMPLES: Final = {
    "title": "title: How do I send something back?",
    "url": "url: https://shop.example/returns",
}


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and url.isprintable() and " " not in url  # fmt: skip
