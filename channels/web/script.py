"""The chat's one script: with the channel's own facts in it, packed, and known by its ETag."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from pathlib import Path

from channels.base import Request, Response
from channels.web.body import ACCEPTED
from channels.web.settings import WebSettings

_FOLDER = Path(__file__).parent / "files"
_INDENT = re.compile(r"^\s+", re.MULTILINE)
_COMMENT = re.compile(r"^//.*\n", re.MULTILINE)  # a line of its own; there are no others


class Script:
    """What `/in/NAME/widget.js` gives; made once."""

    def __init__(self, settings: WebSettings) -> None:
        facts = {
            "name": settings.from_name or settings.name,
            "domain": settings.mail_domain,
            "bits": settings.bits,
            "most": settings.max_size,
            "files": settings.max_files,
            "accepts": ACCEPTED,
        }
        code = _tight((_FOLDER / "widget.js").read_text("utf-8"))
        style = _tight((_FOLDER / "widget.css").read_text("utf-8")).replace("\n", "")
        code = code.replace("/*settings*/ {}", _literal(facts), 1)
        code = code.replace('/*style*/""', _literal(style), 1)
        self.plain = code.encode()
        self.packed = gzip.compress(self.plain, 9, mtime=0)
        self._tag = f'"{hashlib.sha256(self.plain).hexdigest()[:20]}"'

    def answer(self, request: Request) -> Response:
        """Any page may load it; which pages may speak with us is decided elsewhere."""
        headers = (
            ("ETag", self._tag),
            ("Cache-Control", "public, max-age=600"),
            ("Cross-Origin-Resource-Policy", "cross-origin"),
            ("Access-Control-Allow-Origin", "*"),
            ("Vary", "Accept-Encoding"),
            ("Content-Type", "text/javascript; charset=utf-8"),
        )
        if self._tag in request.headers.get("if-none-match", ""):
            return Response(304, b"", headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            return Response(200, self.packed, (*headers, ("Content-Encoding", "gzip")))
        return Response(200, self.plain, headers)


def _tight(code: str) -> str:
    return _COMMENT.sub("", _INDENT.sub("", code))


def _literal(value: object) -> str:
    """JSON is JavaScript."""
    return json.dumps(value, ensure_ascii=True)
