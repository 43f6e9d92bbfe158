"""The commands of `madoguchi`; each imports what it needs, so that `parse` starts at once."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from gateway.assembly import Parts
    from gateway.config import Config
    from gateway.watch.checking import Finding
    from gateway.words.sheets import Form
    from normalizer.email.forms import Places

T = TypeVar("T")

app = typer.Typer(
    help="One window for every channel: mail and messages in, one conversation per customer.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
quarantine = typer.Typer(help="What could not be read.", no_args_is_help=True)
app.add_typer(quarantine, name="quarantine")
spam = typer.Typer(help="What is kept apart.", no_args_is_help=True)
app.add_typer(spam, name="spam")

ConfigFile = Annotated[Path, typer.Option("-c", "--config", help="The configuration file.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object instead of a table.")]
DEFAULT = Path("config.toml")


def _load(path: Path) -> Config:
    from gateway.config import ConfigError, load

    try:
        return load(path)
    except ConfigError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


def _places(path: Path, name: str) -> Places:
    """Where the rule for form mail of that name looks."""
    from gateway.matching import form_mail

    rules = _load(path).form_mail
    if rule := form_mail.named(rules, name):
        return form_mail.places(rule)
    known = ", ".join(rule.form or rule.from_ for rule in rules) or "none"
    raise _fail(f'{path} has no [[form_mail]] rule "{name}"; it has {known}')


def _fail(reason: object) -> typer.Exit:
    typer.echo(f"madoguchi: {reason}", err=True)
    return typer.Exit(1)


def _unavailable(path: Path, error: object) -> typer.Exit:
    return _fail(
        f"the store cannot be used now: {error}. See that it is up and has room, and that"
        f" [store] url in {path} is right; `madoguchi check --connect` tries it."
    )


def _tell(findings: Sequence[Finding]) -> None:
    """Print what a check found; an error ends the command."""
    for finding in findings:
        typer.echo(str(finding), err=finding.is_error)
    if any(finding.is_error for finding in findings):
        raise typer.Exit(1)


def _with_parts(path: Path, work: Callable[[Parts], Awaitable[T]]) -> T:
    """Run `work` on the store and the readers, beside a daemon if one is running."""
    from gateway import assembly, log
    from gateway.failpoints import failpoint
    from gateway.secrets import KeyDamaged
    from gateway.words import WordsError
    from store import store as stores
    from store.engine import StoreDamaged, StoreUnavailable

    os.umask(0o077)
    config = _load(path)
    log.configure(config.gateway.log, quiet=True)

    async def main() -> T:
        async with AsyncExitStack() as stack:
            # A daemon waits for its store; somebody who typed a command is told.
            await asyncio.to_thread(stores.prepare, config.store.dsn)
            parts = await assembly.assemble(config, failpoint({}), stack)
            await parts.readers.greeted()
            return await work(parts)

    try:
        return asyncio.run(main())
    except StoreUnavailable as error:
        raise _unavailable(path, error) from None
    except (StoreDamaged, KeyDamaged, WordsError, OSError) as error:
        raise _fail(error) from None


@app.command()
def run(config: ConfigFile = DEFAULT) -> None:
    """Run the daemon in the foreground; SIGTERM ends it."""
    gc.disable()  # until it serves: of what a start makes, nearly all stays
    import uvloop

    from gateway import log, supervisor
    from gateway.failpoints import failpoint
    from gateway.secrets import KeyDamaged
    from gateway.words import WordsError
    from store.engine import StoreDamaged, StoreInUse, StoreUnavailable

    os.umask(0o077)  # what customers write is nobody else's on this machine
    loaded = _load(config)
    log.configure(loaded.gateway.log)
    # The writer's thread leaves the interpreter's lock at each statement and, at the default of
    # 5 ms, waits that long to get it back while the loop is busy: measured, half the throughput.
    sys.setswitchinterval(0.0005)
    try:
        uvloop.run(supervisor.run(loaded, failpoint(os.environ)))
    except (StoreInUse, StoreDamaged, StoreUnavailable, KeyDamaged, WordsError, OSError) as error:
        raise _fail(error) from None


@app.command()
def check(
    config: ConfigFile = DEFAULT,
    connect: Annotated[
        bool, typer.Option("--connect", help="Also try the store and each channel.")
    ] = False,
    route: Annotated[
        Path | None,
        typer.Option("--route", help="Say what would become of this mail; nothing is kept."),
    ] = None,
) -> None:
    """Validate the file: every error at once, with line and key."""
    from gateway.config.source import read
    from gateway.watch import checking

    loaded = _load(config)
    if route:
        _try(loaded, route)
        return
    findings = [
        *checking.texts(loaded, read(config).place),
        *(asyncio.run(checking.connect(loaded)) if connect else ()),
    ]
    _tell(findings)
    typer.echo(f"{config}: good, {len(loaded.channels)} channel(s)")


def _try(config: Config, mail: Path) -> None:
    from datetime import UTC, datetime

    from gateway.commands import preview

    try:
        for line in preview.mail(config, mail, datetime.now(UTC)):
            typer.echo(line)
    except (ValueError, OSError) as error:
        raise _fail(error) from None


@app.command()
def preview(
    template: Annotated[str, typer.Argument(help="Its name, such as acknowledgement or nudge.")],
    language: Annotated[str, typer.Option("--language", help="Unset: each that there is.")] = "",
    *,
    short: Annotated[bool, typer.Option("--short", help="Only as messengers show it.")] = False,
    channel: Annotated[
        str, typer.Option("--channel", help="As it is said there; unset: both forms.")
    ] = "",
    case: Annotated[
        str, typer.Option("--case", help="The reference of a case; unset: an example.")
    ] = "",
    config: ConfigFile = DEFAULT,
) -> None:
    """A template as a customer would read it now, with example facts or those of a case."""
    from datetime import UTC, datetime

    from gateway.commands.specimen import Wanted, specimens
    from store.engine import StoreDamaged, StoreNotReady, StoreUnavailable

    form: Form | None = "short" if short else None
    wanted = Wanted(template, language.lower(), form, channel, case)
    try:
        for title, (subject, body) in specimens(_load(config), wanted, datetime.now(UTC)):
            typer.echo(
                f"== {title} ==\n{subject}\n\n{body}" if subject else f"== {title} ==\n{body}"
            )
    except StoreUnavailable as error:
        raise _unavailable(config, error) from None
    except (ValueError, StoreDamaged, StoreNotReady, OSError) as error:
        raise _fail(error) from None


@app.command()
def parse(
    files: Annotated[list[str], typer.Argument(help="Mail files.")],
    form: Annotated[
        str, typer.Option("--form", help="Also show what this rule for form mail finds.")
    ] = "",
    config: ConfigFile = DEFAULT,
) -> None:
    """Read mail files and print one JSON object a line."""
    from gateway.parse import parse_files

    for described in parse_files(files, _places(config, form) if form else None):
        sys.stdout.write(json.dumps(described) + "\n")


@app.command("import")
def import_(
    paths: Annotated[list[Path], typer.Argument(help="mbox files, Maildirs, folders, mails.")],
    config: ConfigFile = DEFAULT,
) -> None:
    """Bring old mail in as history: nothing is ever said about it. Goes on where it was stopped."""
    from gateway.commands import importing
    from gateway.commands.progress import Progress

    missing = [path for path in paths if not path.exists()]
    if missing:
        raise _fail(f"there is no {missing[0]}")
    with Progress() as progress:
        tally = _with_parts(config, lambda parts: importing.run(parts, paths, progress.show))
    typer.echo(
        f"imported {tally.imported}, known before {tally.known}, quarantined {tally.quarantined}"
    )


@app.command()
def audit(
    config: ConfigFile = DEFAULT,
    as_json: AsJson = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask no channel's source what it holds.")
    ] = False,
) -> None:
    """Account for everything; exit 1 if a unit has no message, or was never fetched."""
    from functools import partial

    from gateway import reports
    from gateway.watch import reconcile
    from store import accounts
    from store.past import Past

    async def work(parts: Parts) -> accounts.Audit:
        found = await parts.store.read(accounts.audit)
        past = partial(Past, parts.store)
        return found if offline else await reconcile.with_sources(found, parts.channels, past)

    found = _with_parts(config, work)
    typer.echo(reports.audit(found, as_json=as_json))
    if any(entry.what in {"no message", "not fetched"} for entry in found.open):
        raise typer.Exit(1)


@app.command()
def why(
    message: Annotated[str, typer.Argument(help="A message's id or Message-ID.")],
    config: ConfigFile = DEFAULT,
    as_json: AsJson = False,
) -> None:
    """The decisions taken on one message, each with its reason."""
    from gateway import reports
    from store import accounts

    story = _with_parts(
        config, lambda parts: parts.store.read(lambda c: accounts.story(c, message))
    )
    if story is None:
        raise _fail(f"there is no message {message}")
    typer.echo(reports.story(story, as_json=as_json))


@quarantine.command("list")
def list_(config: ConfigFile = DEFAULT, as_json: AsJson = False) -> None:
    """What could not be read, and why."""
    from gateway import reports

    kept = _with_parts(config, lambda parts: parts.backlog.everything("quarantined"))
    typer.echo(reports.quarantine(kept, as_json=as_json))


@quarantine.command()
def retry(config: ConfigFile = DEFAULT) -> None:
    """Read again what is in quarantine, in place, and say what changed."""
    for line in _with_parts(config, lambda parts: parts.backlog.retry("quarantined")):
        typer.echo(line)


@spam.command("list")
def list_spam(config: ConfigFile = DEFAULT, as_json: AsJson = False) -> None:
    """What is kept apart as spam, and by whose word."""
    from gateway import reports
    from store import apart

    kept = _with_parts(config, lambda p: p.store.read(lambda c: apart.everything(c, "spam")))
    typer.echo(reports.spam(kept, as_json=as_json))


@spam.command()
def release(
    ids: Annotated[list[int], typer.Argument(metavar="ID…", help="Ids of messages.", min=1)],
    config: ConfigFile = DEFAULT,
) -> None:
    """Let spam be mail like any other: it gets its case, and its acknowledgement."""

    async def work(parts: Parts) -> list[int]:
        return [id_ for id_ in ids if await parts.backlog.release(id_) is None]

    not_spam = _with_parts(config, work)
    for id_ in ids:
        typer.echo(f"{id_}: {'is not spam' if id_ in not_spam else 'released'}")
    if not_spam:
        raise typer.Exit(1)


@app.command()
def login(
    channel: Annotated[str, typer.Argument(help="The channel's name.")],
    device: Annotated[
        bool | None,
        typer.Option(
            "--device/--browser",
            help="With a code on any machine, or a browser that comes back here."
            " Unset: a code where the provider has it.",
        ),
    ] = None,
    port: Annotated[
        int, typer.Option("--port", help="Where the browser comes back to; 0 takes a free port.")
    ] = 0,
    config: ConfigFile = DEFAULT,
) -> None:
    """Log a channel in at its provider with OAuth2, and try it."""
    from gateway.commands import login as people

    os.umask(0o077)
    try:
        tried = people.login(_load(config), channel, people.Choice(device, port), typer.echo)
    except (people.NotLoggedIn, OSError) as error:
        raise _fail(error) from None
    _tell(tried)


@app.command()
def token(config: ConfigFile = DEFAULT) -> None:
    """Make a new API token; the one made before is no longer good."""
    from gateway import assembly
    from gateway.api import bearer

    made = _with_parts(
        config, lambda p: bearer.replace(p.store, p.config.gateway.data_dir, assembly.now())
    )
    typer.echo(f"token {made}")


def main() -> None:
    app()
