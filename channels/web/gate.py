"""Who may write, and how often: the limits, the trap for robots, the work that is asked for."""

from __future__ import annotations

from channels.base import Request
from channels.web.body import Body, Refused
from channels.web.rates import Rate, network
from channels.web.settings import WebSettings
from channels.web.stamp import Stamps

_LOOKS = 10  # times as often as somebody may write, somebody may look for news


class Often(Refused):
    """Too much from one place; `after` are the seconds until there is room again."""

    def __init__(self, after: int, why: str = "often") -> None:
        super().__init__(429, why)
        self.after = after


class Gate:
    """Every check raises Refused; `now` counts seconds on a clock that only runs forward."""

    def __init__(self, settings: WebSettings) -> None:
        self._honeypot, self._fill_time = settings.honeypot, settings.fill_time
        self._peers, self._all = Rate(settings.per_peer), Rate(settings.per_minute)
        self._visitors = Rate(settings.per_visitor)
        self._looks = Rate(_LOOKS * settings.per_peer)
        self.stamps = Stamps(settings.bits, settings.fill_time)

    def looks(self, request: Request, now: float) -> None:
        """Somebody asks for news, or for a stamp."""
        _in_time(self._looks.wait(network(request.peer), now))

    def writes(self, request: Request, now: float) -> None:
        """Somebody wants to write; who is kept off costs the others nothing."""
        _in_time(self._peers.wait(network(request.peer), now))
        _in_time(self._all.wait("", now))

    def speaks(self, visitor: str, now: float) -> None:
        """It is known who writes."""
        _in_time(self._visitors.wait(visitor, now))

    def filled_in(self, form: Body, now: float) -> None:
        """A form came whole; what only robots fill in, or only robots so fast, goes no further."""
        if form.fields.pop(self._honeypot, "").strip():
            raise Refused(422, "robot")
        if self.stamps.opened(form.fields.get("_opened", ""), now):
            raise Often(int(self._fill_time) + 1, "early")

    def proven(self, form: Body, now: float) -> None:
        """The work was done, where any is asked for."""
        proof = form.take("_proof")
        if self.stamps.bits and (fault := self.stamps.proven(proof, now)):
            raise Refused(403, fault)


def _in_time(after: int) -> None:
    if after:
        raise Often(after)
