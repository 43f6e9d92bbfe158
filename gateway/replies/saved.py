"""Reads the saved replies `<language>/<name>.txt`: ours and those of a folder, which win."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from jinja2 import Template

from gateway.words.dates import Dates
from gateway.words.sheets import WordsError, source_of, template

_OWN: Final = Path(__file__).parent / "texts"
_TITLE: Final = "Title:"
_FILE: Final = re.compile(r"[a-z][a-z0-9_-]*\.txt")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[a-z0-9]+)*")
_LONGEST_TITLE: Final = 100
PERSONAL: Final = "personal"
PLACEHOLDERS: Final = frozenset(
    {"customer_name", "reference", "agent", "promised", "gateway_name", PERSONAL}
)


class Saved(NamedTuple):
    """One text in one language: its title for people of ours, what it says as it is written, and
    the `names` of the placeholders in it.
    """

    name: str
    language: str
    title: str
    source: str
    text: Template
    names: frozenset[str]


class Replies:
    """All saved replies; `dates` tells how each language says days. WordsError lists all problems.

    A language without a text falls back to `default`, then to English, then to any.
    """

    def __init__(self, folder: Path | None, default: str, dates: Mapping[str, Dates]) -> None:
        found: dict[tuple[str, str], Saved] = {}
        problems: list[str] = []
        for place in (_OWN, folder) if folder else (_OWN,):
            for file in _files(place):
                try:
                    one = _read(file, dates)
                except WordsError as error:
                    problems.append(str(error))
                else:
                    found[one.name, one.language] = one
        if problems:
            raise WordsError("\n".join(problems))
        self._found, self._default, self.dates = found, default.lower(), dates

    @property
    def all(self) -> tuple[Saved, ...]:
        """Every text, by name and language."""
        return tuple(self._found[key] for key in sorted(self._found))

    def find(self, name: str, language: str) -> Saved | None:
        """A text in this language, or in the nearest that it is there in."""
        language = language.lower()
        for tag in (language, language.partition("-")[0], self._default, "en"):
            if one := self._found.get((name, tag)):
                return one
        return next((one for one in self.all if one.name == name), None)

    def missing(self, languages: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Names that are not there in one of these languages."""
        for name in sorted({name for name, _ in self._found}):
            for language in sorted({one.lower() for one in languages}):
                tags = (language, language.partition("-")[0])
                if not any((name, tag) in self._found for tag in tags):
                    yield name, language


def _files(folder: Path) -> Iterator[Path]:
    return (
        file
        for language in sorted(folder.iterdir())
        if language.is_dir() and language.name[0] not in "._"
        for file in sorted(language.glob("*.txt"))
        if file.name[0] not in "._"
    )


def _read(file: Path, dates: Mapping[str, Dates]) -> Saved:
    language = file.parent.name.lower()
    if not _FILE.fullmatch(file.name) or not _LANGUAGE.fullmatch(language):
        raise WordsError(f"{file}: a saved reply is named like en/details.txt")
    source = source_of(file)
    head, _, text = source.partition("\n")
    title = head.removeprefix(_TITLE).strip()
    if not head.startswith(_TITLE) or not title or len(title) > _LONGEST_TITLE:
        raise WordsError(f'{file} line 1: must begin with a line "{_TITLE} …" for your own people')
    # The empty line keeps the line numbers of what follows.
    compiled, names = template(file, f"\n{text}", PLACEHOLDERS)
    if PERSONAL not in names:
        raise WordsError(
            f"{file} line 2: has no {{{{ personal }}}}; write it where one line is said to this "
            "customer alone"
        )
    if "promised" in names and language.partition("-")[0] not in dates and language not in dates:
        raise WordsError(
            f"{file}: {{{{ promised }}}} needs to know how this language says days; add "
            f"{language}/dates.toml to the folder of [acknowledge] templates"
        )
    return Saved(file.stem, language, title, text.strip(), compiled, names)
