"""The addresses for people: `/` and `/docs`, and the OpenAPI document that the latter shows."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

from litestar import Response, get
from litestar.di import NamedDependency

from gateway.api.once import Once
from gateway.api.pages import Page
from gateway.api.release import release
from gateway.api.vitals import Vitals

_HTML = "text/html"


class Front:
    """The pages and the document; this is made when somebody first asks, then kept."""

    def __init__(self, name: str, *, notices: bool) -> None:
        self.name = name
        self._home = Page("home.html")
        self._docs = Page("docs.html", "docs.js")
        self.document = Once(partial(_described, name, notices=notices))

    def home(self, missing: list[str]) -> Response[str]:
        status = f"Waiting for: {', '.join(missing)}" if missing else "Everything is running"
        mood = "waiting" if missing else "well"
        return _shown(self._home, name=self.name, release=release(), status=status, mood=mood)

    def docs(self) -> Response[str]:
        return _shown(self._docs, name=self.name, release=release())


def _described(name: str, *, notices: bool) -> bytes:
    """The document, from the process that makes it."""
    about = [name, *(["notices"] if notices else [])]
    command = [sys.executable, "-m", "gateway.api.describe", *about]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout  # noqa: S603  ours


def _shown(page: Page, **values: str) -> Response[str]:
    headers = {"Content-Security-Policy": page.policy}
    return Response(page.html(**values), media_type=_HTML, headers=headers)


@get("/", include_in_schema=False)
async def home(front: NamedDependency[Front], vitals: NamedDependency[Vitals]) -> Response[str]:
    return front.home(await vitals.missing())


@get("/docs", include_in_schema=False, sync_to_thread=False)
def docs(front: NamedDependency[Front]) -> Response[str]:
    return front.docs()


@get("/openapi.json", include_in_schema=False)
async def openapi(front: NamedDependency[Front]) -> Response[bytes]:
    return Response(await front.document(), media_type="application/json")
