"""Who a visitor is: the holder of a secret of which we keep a keyed hash alone."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from channels.recent import Recent
from channels.web.body import Body, Refused

_TOKEN = re.compile(r"[\w-]{43}", re.ASCII)  # 32 octets of chance in base64url
_AGAIN = 600.0  # seconds in which the same form from the same address is the same form
_FORMS = 5000  # remembered at a time


class Visitors:
    """`key` outlives the process: another one would make strangers of all visitors."""

    def __init__(self) -> None:
        self.key = b""
        self._forms: Recent[str, tuple[str, float]] = Recent(_FORMS)

    def of(self, token: str) -> str:
        """The visitor with this secret. Raises Refused for what is none."""
        if not _TOKEN.fullmatch(token):
            raise Refused(401, "visitor")
        return self._hash("visitor", token)

    def of_form(self, form: Body, peer: str, now: float) -> str:
        """Somebody new, unless it is the same form again, by an impatient finger."""
        digest = _digest(form, peer)
        visitor, at = self._forms.get(digest, ("", 0.0))
        if not visitor or now - at > _AGAIN:
            visitor = self.of(secrets.token_urlsafe(32))
            self._forms[digest] = (visitor, now)
        return visitor

    def sight(self, visitor: str) -> str:
        """Lets its holder read what was said with this visitor, and no more."""
        return self._hash("sight", visitor)

    def seen(self, visitor: str, sight: str) -> str:
        """The visitor whom one may see so. Raises Refused."""
        if not hmac.compare_digest(self.sight(visitor).encode(), sight.encode()):
            raise Refused(404, "nothing")
        return visitor

    def _hash(self, purpose: str, text: str) -> str:
        return hmac.new(self.key, f"{purpose} {text}".encode(), hashlib.sha256).hexdigest()[:32]


def _digest(form: Body, peer: str) -> str:
    digest = hashlib.sha256(peer.encode())
    for name, value in form.fields.items():
        if not name.startswith("_"):
            digest.update(f"\0{len(name)} {len(value)} {name}{value}".encode())
    for file in form.files:
        digest.update(hashlib.sha256(file.data).digest())
    return digest.hexdigest()
