"""Pure: whose pages may speak with us (Fetch standard, CORS); there are no cookies to protect."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

VARY = ("Vary", "Origin")
_PREFLIGHT = (
    ("Access-Control-Allow-Methods", "GET, POST"),
    ("Access-Control-Allow-Headers", "Content-Type, X-Visitor"),
    ("Access-Control-Max-Age", "7200"),
)


def is_welcome(headers: Mapping[str, str], origins: Collection[str]) -> bool:
    """Whether a request comes from one of `origins`, from our own page, or from no page at all."""
    origin = headers.get("origin", "")
    return not origin or origin in origins or _is_our_own(origin, headers.get("host", ""))


def _is_our_own(origin: str, host: str) -> bool:
    """A browser sends its Origin along with a POST to ourselves, too."""
    scheme, _, place = origin.partition("://")
    return bool(host) and scheme in {"http", "https"} and place.lower() == host.lower()


def allowing(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """What lets a welcome page read our answer."""
    origin = headers.get("origin", "")
    if not origin:
        return (VARY,)
    return (
        VARY,
        ("Access-Control-Allow-Origin", origin),
        ("Access-Control-Expose-Headers", "Retry-After"),
        ("Cross-Origin-Resource-Policy", "cross-origin"),
    )


def preflight(headers: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """What a browser asks before it sends anything that a form could not."""
    return (*allowing(headers), *_PREFLIGHT)


def page_of(headers: Mapping[str, str]) -> str:
    """The page that a form stands on, where its browser tells."""
    referer = headers.get("referer", "")
    return referer if urlsplit(referer).scheme in {"http", "https"} else ""
