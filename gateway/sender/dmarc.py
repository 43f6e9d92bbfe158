"""DMARC: does what was proved speak for the domain in From, and what does that domain ask for? RFC 9989."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Literal, NamedTuple

from gateway.sender.resolver import Answer, DnsTrouble

Ask = Callable[[str, str], Awaitable[Answer]]
Asks = Literal["none", "quarantine", "reject"]

_MOST_LABELS = 8  # section 4.10: longer names are cut to seven labels after the first question
_MILDER: dict[Asks, Asks] = {"reject": "quarantine", "quarantine": "none", "none": "none"}


class Result(NamedTuple):
    """What one method found, by the words of RFC 8601, about one domain; `reason` is for people."""

    method: str
    outcome: str
    domain: str
    reason: str = ""


class Record(NamedTuple):
    """A policy record and the name that it stands for."""

    name: str
    tags: dict[str, str]

    def is_strict(self, method: str) -> bool:
        """Whether only the very domain in From counts for this method (section 4.4)."""
        return self.tags.get({"dkim": "adkim", "spf": "aspf"}[method], "r") == "s"


async def evaluate(ask: Ask, domain: str, found: Iterable[Result]) -> tuple[Result, bool]:
    """The result for the domain in From, and whether that asks to distrust what fails.

    `found` are the results of SPF and DKIM. Never raises: what the DNS does not tell is a temporary
    error, but only where its answer could have spoken for the author.
    """
    results = list(found)
    for result in results:
        if result.outcome == "pass" and result.domain == domain:
            said = f"{result.method} passed for {domain}"
            return Result("dmarc", "pass", domain, said), False
    try:
        return await _by_policy(ask, domain, results)
    except DnsTrouble:
        return Result("dmarc", "temperror", domain, "the DNS does not answer"), False


async def _by_policy(ask: Ask, domain: str, results: list[Result]) -> tuple[Result, bool]:
    record = await _record(ask, domain)
    organization, above = await _organization(ask, domain)
    policy = record or above
    if policy is None:
        if any(r.outcome == "temperror" and r.domain == domain for r in results):
            raise DnsTrouble
        return Result("dmarc", "none", domain), False
    unknown = False
    for result in results:
        if policy.is_strict(result.method) or not _is_related(result.domain, domain):
            unknown |= result.outcome == "temperror" and result.domain == domain
        elif result.outcome in {"pass", "temperror"}:
            same = (await _organization(ask, result.domain))[0] == organization
            if same and result.outcome == "pass":
                said = f"{result.method} passed for {result.domain}, of the same organization"
                return Result("dmarc", "pass", domain, said), False
            unknown |= same
    if unknown:
        raise DnsTrouble
    asks = await _asks(ask, policy, domain)
    return Result("dmarc", "fail", domain, f"policy {asks}"), asks != "none"


def _is_related(one: str, other: str) -> bool:
    """Whether two names may be of one organization at all: they share more than a top level."""
    ends = one.split(".")[-2:]
    return len(ends) == 2 and ends == other.split(".")[-2:]


async def _asks(ask: Ask, policy: Record, domain: str) -> Asks:
    """What a record asks for; `pct` is history (section 4.7), `t=y` is one step milder."""
    tags = policy.tags
    asks = _known(tags.get("p", "none"))
    if policy.name != domain:
        asks = _known(tags.get("sp", asks))
        if "np" in tags and not (await ask(domain, "A")).exists:
            asks = _known(tags["np"])
    return _MILDER[asks] if tags.get("t", "").lower() == "y" else asks


def _known(text: str) -> Asks:
    match text.lower():
        case "reject":
            return "reject"
        case "quarantine":
            return "quarantine"
    return "none"


async def _record(ask: Ask, name: str) -> Record | None:
    """The one policy record of a name; several are none (section 4.10.1)."""
    answer = await ask(f"_dmarc.{name}", "TXT")
    found = [tags for tags in map(_parse, answer.records) if tags]
    return Record(name, found[0]) if len(found) == 1 else None


def _parse(text: str) -> dict[str, str]:
    pairs = [piece.partition("=") for piece in text.split(";")]
    tags = {name.strip().lower(): value.strip() for name, _, value in reversed(pairs)}
    first, _, version = pairs[0]
    return tags if (first.strip(), version.strip()) == ("v", "DMARC1") else {}


async def _organization(ask: Ask, domain: str) -> tuple[str, Record | None]:
    """The organization that a name belongs to, and its record, by walking up the tree (section 4.10)."""
    labels = domain.split(".")
    top: Record | None = None
    for name in _way_up(labels):
        record = await _record(ask, name)
        if record is None:
            continue
        if record.tags.get("psd") == "n":
            return name, record
        if record.tags.get("psd") == "y":
            if name == domain:
                return name, record
            # A public suffix speaks for those below it who say nothing themselves.
            below = ".".join(labels[-name.count(".") - 2 :])
            return below, top if top and top.name == below else record
        top = record
    return (top.name, top) if top else (domain, None)


def _way_up(labels: list[str]) -> list[str]:
    """The names to ask: the domain itself, then from seven labels at most up to the last one."""
    parents = range(min(len(labels) - 1, _MOST_LABELS - 1), 0, -1)
    return [".".join(labels), *(".".join(labels[-count:]) for count in parents)]
