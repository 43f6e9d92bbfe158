"""The hot path's statements: SQLAlchemy Core, compiled once, run by the driver itself."""

from __future__ import annotations

import re
from typing import Any, cast

from sqlalchemy import ClauseElement, Connection, create_engine
from sqlalchemy.sql.compiler import SQLCompiler

_IN_LIST = re.compile(r"IN \(__\[POSTCOMPILE_\w+\]\)")


class Prepared:
    """A Core statement as the driver takes it: compiled at its first use on each database.

    Expanding parameters (`IN`) take a list. Rows come back as the driver's own tuples.
    """

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, tuple[tuple[str, Any], ...]]] = {}

    def run(self, connection: Connection, **given: Any) -> list[tuple[Any, ...]]:
        """Execute on the connection's open transaction; the driver's own errors come out."""
        text, known = self._compiled.get(connection.dialect.name) or self._compile(connection)
        parameters: list[Any] = []
        for name, constant in known:
            value = given.get(name, constant)
            if isinstance(value, list):
                value = list(filter(is_findable, value))
            if isinstance(value, list) and connection.dialect.name == "sqlite":
                text = text.replace(f"(__[POSTCOMPILE_{name}])", f"({_marks(len(value))})")
                parameters += value
            else:
                parameters.append(value)
        cursor = connection.connection.cursor()
        try:
            cursor.execute(text, parameters)
            return list(cursor.fetchall()) if cursor.description else []
        finally:
            cursor.close()

    def _compile(self, connection: Connection) -> tuple[str, tuple[tuple[str, Any], ...]]:
        name = connection.dialect.name
        style = "qmark" if name == "sqlite" else "format"
        driver = f"{name}+{connection.dialect.driver}://"
        dialect = create_engine(driver, paramstyle=style).dialect
        compiled = cast("SQLCompiler", self._statement.compile(dialect=dialect))
        names = compiled.positiontup or ()
        # One array instead of a list of any length: PostgreSQL plans the statement once.
        text = str(compiled) if name == "sqlite" else _IN_LIST.sub("= ANY(%s)", str(compiled))
        found = text, tuple((key, compiled.params.get(key)) for key in names)
        self._compiled[name] = found
        return found


def is_findable(value: object) -> bool:
    """Whether a database may hold it: none takes NUL or half of a surrogate pair in a text."""
    try:
        return not isinstance(value, str) or b"\0" not in value.encode()
    except UnicodeEncodeError:
        return False


def _marks(count: int) -> str:
    # IN () is no SQL; nothing equals NULL.
    return ", ".join("?" * count) or "NULL"
