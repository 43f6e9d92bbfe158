"""Prints the OpenAPI document: `python -m gateway.api.describe NAME [notices]`.

A process of its own, since to make it takes a second and 60 MB, which the daemon has better use for.
"""

from __future__ import annotations

import sys

from gateway.api.openapi import document
from gateway.api.routes import described


def main() -> None:
    _, name, *more = sys.argv
    sys.stdout.buffer.write(document(described(notices="notices" in more), name))


if __name__ == "__main__":
    main()
