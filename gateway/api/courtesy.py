"""What every page for customers says when there is nothing to show, and how long a link is listened to."""

from __future__ import annotations

from functools import partial
from time import monotonic
from typing import Final, NamedTuple

import structlog
from litestar import Response

from gateway.api.access import Buckets
from gateway.api.leaf import Asker, Leaf
from gateway.api.problem import RETRY_AFTER
from store.engine import StoreUnavailable

log = structlog.get_logger()

# Requests with one link: at once, and for each second after.
Pace = partial(Buckets, 30.0, 0.5, monotonic)


class _Words(NamedTuple):
    absent: str
    cut_off: str
    later: str
    busy: str


_WORDS: Final = {
    "ja": _Words(
        absent="ページが見つかりません",
        cut_off="リンクが途中で切れているかもしれません。お手数ですが、メッセージのリンクをもう一度お試しください。",
        later="もう一度お試しください",
        busy="ただいま承ることができません。お手数ですが、少し時間をおいてからお試しください。",
    ),
    "en": _Words(
        absent="We cannot find this page",
        cut_off="The link may have been cut off. Please try the link in our message once more.",
        later="Please try again",
        busy="We cannot take your answer at this moment. Please try again in a minute.",
    ),
}


def shown(language: str) -> str:
    """In which of our languages a page is: of a tag, or of the first in Accept-Language."""
    return "ja" if language.strip().lower().startswith("ja") else "en"


def _wanted(request: Asker) -> str:
    return shown(request.headers.get("accept-language", ""))


def absent(request: Asker, name: str) -> Response[str]:
    """Who has no link learns nothing, not even that others have."""
    said = _WORDS[_wanted(request)]
    return Leaf(_wanted(request), name, said.absent, (said.cut_off,)).response(404)


def busy(language: str, name: str, after: float) -> Response[str]:
    """More requests with one link than a person makes."""
    said = _WORDS[shown(language)]
    page = Leaf(shown(language), name, said.later, (said.busy,))
    return page.response(429, Retry_After=str(int(after) + 1))


def unavailable(request: Asker, error: StoreUnavailable) -> Response[str]:
    """The store does not answer: nothing was written down, and people are told to try again."""
    log.warning("http.unavailable", reason=str(error))
    said = _WORDS[_wanted(request)]
    page = Leaf(_wanted(request), "", said.later, (said.busy,))
    return page.response(503, Retry_After=str(RETRY_AFTER))
