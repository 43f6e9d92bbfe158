"""The commands of `madoguchi`; each imports what it needs, so that `parse` starts at once."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.config import Config

app = typer.Typer(
    help="One window for every channel.", no_args_is_help=True, pretty_exceptions_enable=False
)

ConfigFile = Annotated[
    Path, typer.Option("-c", "--config", help="The configuration file.", show_default=True)
]
DEFAULT = Path("config.toml")


def _load(path: Path) -> Config:
    from gateway.config import ConfigError, load

    try:
        return load(path)
    except ConfigError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


@app.command()
def run(config: ConfigFile = DEFAULT) -> None:
    """Run the daemon in the foreground; SIGTERM ends it."""
    import uvloop

    from gateway import log, supervisor
    from gateway.failpoints import failpoint
    from store.engine import StoreDamaged, StoreInUse

    loaded = _load(config)
    log.configure(loaded.gateway.log)
    try:
        uvloop.run(supervisor.run(loaded, failpoint(os.environ)))
    except (StoreInUse, StoreDamaged) as error:
        typer.echo(f"madoguchi: {error}", err=True)
        raise typer.Exit(1) from None


@app.command()
def parse(files: Annotated[list[str], typer.Argument(help="Mail files.")]) -> None:
    """Read mail files and print one JSON object a line."""
    from gateway.parse import parse_files

    for described in parse_files(files):
        sys.stdout.write(json.dumps(described) + "\n")


def main() -> None:
    app()
