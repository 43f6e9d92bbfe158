"""The two pages without a token, whole in themselves: nothing is loaded from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from pathlib import Path
from string import Template

_FOLDER = Path(__file__).parent / "pages"


def _text(name: str) -> str:
    return (_FOLDER / name).read_text("utf-8")


class Page:
    """A template with its style and script inlined, and the policy that allows these alone."""

    def __init__(self, name: str, script: str = "") -> None:
        self._template = Template(_text(name))
        self._style, self._code = _text("style.css"), _text(script) if script else ""
        self.policy = _policy(self._style, self._code)

    def html(self, **values: str) -> str:
        """The page; values are text."""
        filled = self._template.substitute({k: escape(v) for k, v in values.items()})
        return filled.replace("/*style*/", self._style, 1).replace("/*code*/", self._code, 1)


def _policy(style: str, code: str) -> str:
    sources = ["default-src 'none'", f"style-src {_hash(style)}"]
    if code:
        sources += [f"script-src {_hash(code)}", "connect-src 'self'"]
    sources += ["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"]
    return "; ".join(sources)


def _hash(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
