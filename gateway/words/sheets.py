"""Reads the template files `<language>/<name>.<form>.txt`: checked, limited and compiled once.

An operator's template knows placeholders and `{% if %}`, nothing else: it cannot loop, call or
reach into anything, so that it renders in microseconds whatever it is given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final, Literal, NamedTuple, cast

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from gateway.words.dates import Dates

Form = Literal["long", "short"]
Key = tuple[str, str, Form]
Placeholders = Callable[[str], frozenset[str]]

_FILE: Final = re.compile(r"([a-z][a-z0-9_-]*)\.(long|short)\.txt")
_SUBJECT: Final = "Subject:"
_DATES: Final = "dates.toml"
_MOST_CHARACTERS: Final = 20_000
_ALLOWED: Final = (
    *(nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const),
    *(nodes.If, nodes.CondExpr, nodes.Not, nodes.And, nodes.Or),
)
_ENVIRONMENT: Final = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=False,  # plain text: an escaped name would be a wrong name
)


class Sheet(NamedTuple):
    """One template, and how its language says dates; only the long form has a subject."""

    subject: Template | None
    body: Template
    dates: Dates


class WordsError(ValueError):
    """Templates that cannot be used; the message has one line for each problem."""


class _Problems(Exception):
    """What is wrong with one file."""

    def __init__(self, problems: Iterable[str]) -> None:
        super().__init__("\n".join(problems))


def read_sheets(folders: Iterable[Path], placeholders: Placeholders) -> dict[Key, Sheet]:
    """Every template of `folders`, later ones winning; `placeholders` tells what a template may name.

    WordsError lists all that is wrong, with file and line.
    """
    sheets: dict[Key, Sheet] = {}
    spoken: dict[str, Dates] = {}
    problems: list[str] = []
    for language in (child for folder in folders for child in _visible(folder)):
        try:
            dates = _dates(language, spoken)
        except _Problems as error:
            problems.append(str(error))
            continue
        for file in _visible(language):
            try:
                sheets.update(_sheets(file, dates, placeholders))
            except _Problems as error:
                problems.append(str(error))
    if problems:
        raise WordsError("\n".join(problems))
    return sheets


def _visible(folder: Path) -> Iterator[Path]:
    """Folders, texts and dates, but no hidden file, no README and no editor's copy."""
    children = (child for child in sorted(folder.iterdir()) if child.name[0] not in "._")
    return (child for child in children if child.is_dir() or child.suffix in {".txt", ".toml"})


def _dates(folder: Path, spoken: dict[str, Dates]) -> Dates:
    """The language's dates: of this folder, or of the one before."""
    if not folder.is_dir():
        raise _Problems([f"{folder}: templates go into a folder for their language, such as en/"])
    file, language = folder / _DATES, folder.name.lower()
    try:
        if file.exists() or language not in spoken:
            spoken[language] = Dates.read(file)
    except ValueError as error:
        raise _Problems([str(error)]) from None
    return spoken[language]


def _sheets(file: Path, dates: Dates, placeholders: Placeholders) -> Iterator[tuple[Key, Sheet]]:
    if file.name == _DATES:
        return
    found = _FILE.fullmatch(file.name)
    if not found:
        raise _Problems([f"{file}: a template is named like nudge.long.txt or nudge.short.txt"])
    name, form = found[1], cast("Form", found[2])
    source = _source(file)
    language = file.parent.name.lower()
    yield (language, name, form), _compiled(file, source, form, placeholders(name), dates)


def _source(file: Path) -> str:
    try:
        source = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise _Problems([f"{file}: {error}"]) from None
    if len(source) > _MOST_CHARACTERS:
        raise _Problems([f"{file}: longer than {_MOST_CHARACTERS} characters"])
    return source


def _compiled(file: Path, source: str, form: Form, known: frozenset[str], dates: Dates) -> Sheet:
    head, _, rest = source.partition("\n")
    if head.startswith(_SUBJECT) != (form == "long"):
        must = "must begin with a" if form == "long" else "is short and has no"
        raise _Problems([f'{file} line 1: this template {must} line "{_SUBJECT} …"'])
    if form == "short":
        return Sheet(None, _template(file, source, known), dates)
    subject = _template(file, head.removeprefix(_SUBJECT), known)
    # The empty line keeps the line numbers of what follows.
    return Sheet(subject, _template(file, f"\n{rest}", known), dates)


def _template(file: Path, source: str, known: frozenset[str]) -> Template:
    try:
        tree = _ENVIRONMENT.parse(source)
        if problems := list(_strangers(tree) or _unknown(tree, known)):
            raise _Problems(f"{file} line {problem}" for problem in problems)
        return _ENVIRONMENT.from_string(tree)
    except TemplateSyntaxError as error:
        raise _Problems([f"{file} line {error.lineno}: {error.message}"]) from None
    except (RecursionError, SyntaxError, ValueError):
        raise _Problems([f"{file}: nested too deeply, or a number too long"]) from None


def source_of(file: Path) -> str:
    """A file of words as it is written; WordsError says why it cannot be read."""
    try:
        return _source(file)
    except _Problems as error:
        raise WordsError(str(error)) from None


def template(file: Path, source: str, known: frozenset[str]) -> tuple[Template, frozenset[str]]:
    """A text beside the sheets, by their rules, and what it names; WordsError names the lines."""
    try:
        compiled = _template(file, source, known)
    except _Problems as error:
        raise WordsError(str(error)) from None
    names = _ENVIRONMENT.parse(source).find_all(nodes.Name)
    return compiled, frozenset(name.name for name in names)


def _strangers(tree: nodes.Template) -> list[str]:
    """What a template may not do, before anything asks what it names."""
    return [
        f"{node.lineno}: {type(node).__name__.lower()} is not possible here;"
        " a template knows {{ placeholder }} and {% if placeholder %}"
        for node in tree.find_all(nodes.Node)
        if not isinstance(node, _ALLOWED)
    ]


def _unknown(tree: nodes.Template, known: frozenset[str]) -> list[str]:
    return [
        f"{name.lineno}: unknown placeholder {name.name!r}; known are {', '.join(sorted(known))}"
        for name in tree.find_all(nodes.Name)
        if name.name not in known
    ]
