"""One peer on the wire: from octets to commands and content, and back to replies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from channels.smtp.data import Content
from channels.smtp.dialogue import Dialogue, Turn
from channels.smtp.limits import is_last_file
from channels.smtp.reception import TRY_AGAIN, Reception
from channels.smtp.spool import Body
from channels.smtp.wire import Wire
from normalizer.message import NULL_SENDER, Transport

_LINE_LIMIT = 4096
_PENDING_LIMIT = 65536
# RFC 2920 section 3.1: nothing may follow these before their reply. Who talks on does not read
# our replies: a robot, another protocol, or what was smuggled through a server before us.
_GROUP_ENDS = frozenset({b"EHLO", b"HELO", b"LHLO", b"DATA", b"STAR", b"AUTH"})

_STOPPING = b"421 4.3.2 we are restarting, please come back in a moment\r\n"
_log = structlog.get_logger()


class Connection(Wire):
    """Feeds each chunk to the one method that awaits it: `_consume`.

    A task exists only while a mail is being made durable or TLS is being agreed on; it outlives
    the connection.
    """

    def __init__(self, reception: Reception) -> None:
        super().__init__()
        self._reception = reception
        self._dialogue = Dialogue(reception.rules)
        self._consume: Callable[[bytes], None] = self._take_early
        self._partial = b""
        self._peer = ""
        self._is_counted = False
        self._has_ended = False
        self._since = 0.0
        self._octets = 0
        self._content = Content()
        self._body: Body | None = None

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._since = self._loop.time()
        self._peer = _address(transport.get_extra_info("peername"))
        self._reception.guests.add(self)
        if self._is_one_too_many(transport):
            self._turn_away(b"421 4.3.2 too many connections, please come back in a moment\r\n")
        elif self._reception.believes(self._peer):
            self._consume = self._take_proxy_header
        else:
            self._begin()

    def data_received(self, data: bytes) -> None:
        self._consume(data)
        if self._replies:
            self._flush()

    def eof_received(self) -> bool:
        # Whoever has sent a whole mail and closed its side may still read the reply.
        self._has_ended = True
        return self._is_delivering() and not self._dialogue.tls

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._reception.guests.discard(self)
        if self._is_counted:
            self._reception.limits.give_back_peer(self._peer)
        if self._body is not None:
            self._log("smtp.vanished", octets=self._body.size)
            self._drop_body(self._body)
        self._reception.note_quiet()

    # What the listener calls.

    def check(self, now: float) -> None:
        settings = self._reception.settings
        if self._body is None:
            if not self._is_busy() and now - self._since > settings.timeout:
                self._hang_up(b"421 4.4.2 too long a silence, goodbye\r\n")
        elif now - self._since >= settings.data_window:
            if self._octets < settings.min_data_rate * (now - self._since):
                self._hang_up(b"421 4.4.2 too slow, goodbye\r\n")
            self._since, self._octets = now, 0

    def stop(self) -> None:
        if self._body is None and not self._is_delivering():
            self._hang_up(_STOPPING)

    def force(self) -> None:
        self._hang_up(_STOPPING)
        self._close()

    # From the first octet to the greeting.

    def _is_one_too_many(self, transport: asyncio.BaseTransport) -> bool:
        number = transport.get_extra_info("socket").fileno()
        guests = len(self._reception.guests)
        return guests > self._reception.settings.max_connections or is_last_file(number)

    def _begin(self) -> None:
        self._consume = self._take_early
        self._is_counted = self._reception.limits.take_peer(self._peer)
        if not self._is_counted:
            self._turn_away(b"421 4.7.0 too many connections from you, please come later\r\n")
        else:
            if self._reception.settings.tls == "implicit":
                self._dialogue.restart(self._cipher())
            # Two turns of the loop, so that what was sent before the greeting is seen before it.
            self._loop.call_soon(self._loop.call_soon, self._greet)

    def _greet(self) -> None:
        if self._transport is None or self._dialogue.turn is not Turn.COMMAND:
            return
        self._consume = self._take_commands
        self._reply(self._reception.greeting)
        self._flush()

    def _take_early(self, _: bytes) -> None:
        self._hang_up(b"554 5.5.1 the greeting comes first\r\n")

    def _take_proxy_header(self, data: bytes) -> None:
        from channels.smtp.proxy import Malformed, header_length, source  # few have a proxy

        self._partial += data
        try:
            length = header_length(self._partial)
            if length is None:
                return
            self._peer = source(self._partial[:length]) or self._peer
        except Malformed:
            self._log("smtp.proxy_header_malformed")
            self._hang_up(b"")
            return
        rest, self._partial = self._partial[length:], b""
        self._begin()
        if rest:
            self._consume(rest)

    # Commands.

    def _take_commands(self, data: bytes) -> None:
        if self._partial:
            data, self._partial = self._partial + data, b""
        start, size = 0, len(data)
        while self._dialogue.turn is Turn.COMMAND:
            end = data.find(b"\n", start) + 1
            if not end:
                break
            self._take_line(data[start:end], is_last=end == size)
            start = end
        rest = data[start:]
        if self._dialogue.turn is not Turn.COMMAND:
            if rest:
                self._consume(rest)
        elif len(rest) > _LINE_LIMIT:
            self._consume = self._skip_line
        else:
            self._partial = rest

    def _take_line(self, line: bytes, *, is_last: bool) -> None:
        if not line.endswith(b"\r\n"):
            self._hang_up(b"521 5.5.2 lines end in CRLF\r\n")
            return
        if not is_last and line[:4].upper() in _GROUP_ENDS:
            self._hang_up(b"554 5.5.0 wait for the reply before talking on\r\n")
            return
        self._since = self._loop.time()
        if len(line) > _LINE_LIMIT:
            reply = self._dialogue.bad(b"500 5.5.2 line too long\r\n")
        else:
            reply = self._dialogue.answer(line[:-2])
        self._reply(reply)
        if reply[0] in b"45":
            self._refused(reply)
        if self._dialogue.turn is not Turn.COMMAND:
            self._take_turn()
        elif self._dialogue.is_spent:
            self._hang_up(b"421 4.7.0 too many commands that lead nowhere, goodbye\r\n")

    def _skip_line(self, data: bytes) -> None:
        end = data.find(b"\n") + 1
        if end:
            self._consume = self._take_commands
            self._take_line(b" " * _LINE_LIMIT + b"\r\n", is_last=True)
            self._consume(data[end:])

    def _refused(self, reply: bytes) -> None:
        if reply[:3] in {b"550", b"552", b"553", b"535", b"452"} and reply[4:9] != b"4.5.3":
            self._log("smtp.refused", reply=reply[:9].decode())

    def _take_turn(self) -> None:
        if self._dialogue.turn is Turn.CONTENT:
            self._expect_content()
        elif self._dialogue.turn is Turn.TLS:
            self._encrypt()
        elif self._consume != self._ignore:
            self._consume = self._ignore
            self._close()

    # TLS.

    def _encrypt(self) -> None:
        self._consume = self._wait
        self._dialogue.turn = Turn.TLS
        self._flush()
        self._pause()
        self._reception.spawn(self._agree_on_tls())

    async def _agree_on_tls(self) -> None:
        assert self._reception.tls is not None
        self._partial = b""  # RFC 3207 section 4.2: what was said in the clear never counts
        if not await self._start_tls(self._reception.tls):
            self._log("smtp.tls_failed")
            return
        self._dialogue.restart(self._cipher())
        self._since = self._loop.time()
        if self._reception.is_stopping:
            self._hang_up(_STOPPING)
        else:
            self._consume = self._take_commands
            self.data_received(b"")

    # Content.

    def _expect_content(self) -> None:
        mail = self._dialogue.mail
        assert mail is not None
        self._reception.limits.take_mail()
        self._body = self._reception.new_body(mail.unit, self._resume)
        self._content = Content()
        self._octets = 0
        self._consume = self._take_content

    def _take_content(self, data: bytes) -> None:
        body, limit = self._body, self._reception.settings.max_size
        assert body is not None
        self._octets += len(data)
        content, rest = self._content.feed(data)
        body.add(content)
        if body.size > limit:
            body.discard()
        if rest is not None:
            self._consume = self._wait
            self._end_content(body)
            if rest:
                self._consume(rest)
        elif body.size > 2 * limit + _PENDING_LIMIT:
            self._hang_up(_too_large(limit))
        elif body.is_behind:
            self._pause()

    def _end_content(self, body: Body) -> None:
        self._body = None
        refusal = b""
        if self._content.broken:
            refusal = b"550 5.5.2 lines of a mail end in CRLF, and nothing else\r\n"
        elif body.size > self._reception.settings.max_size:
            refusal = _too_large(self._reception.settings.max_size)
        if not refusal:
            self._reception.spawn(self._deliver(body))
            return
        body.discard()
        self._log("smtp.refused", reply=refusal[:9].decode(), octets=body.size)
        self._end_mail(refusal)

    async def _deliver(self, body: Body) -> None:
        dialogue = self._dialogue
        mail = dialogue.mail
        assert mail is not None
        facts = Transport(
            self._peer,
            dialogue.helo,
            mail.sender or NULL_SENDER,
            tuple(mail.recipients),
            dialogue.tls,
            dialogue.user,
        )
        reply = TRY_AGAIN
        try:
            reply = await self._reception.deliver(mail.unit, facts, body)
        finally:
            self._end_mail(reply)

    def _end_mail(self, reply: bytes) -> None:
        mail = self._dialogue.mail
        assert mail is not None
        self._reception.limits.give_back_mail()
        if self._transport is None:
            self._log("smtp.peer_gone_before_reply", reply=reply[:9].decode())
            return
        if self._dialogue.turn is not Turn.CONTENT:  # hung up on meanwhile
            return
        # RFC 2033 section 4.2: in LMTP, each recipient that was accepted has a reply of its own.
        self._reply(reply * len(mail.recipients) if self._reception.rules.lmtp else reply)
        self._dialogue.end_mail(accepted=reply.startswith(b"2"))
        self._since = self._loop.time()
        self._consume = self._take_commands
        if self._reception.is_stopping:
            self._hang_up(_STOPPING)
        else:
            self._go_on()

    def _go_on(self) -> None:
        if self._partial:
            self._take_commands(b"")
        self._flush()
        self._resume()
        if self._has_ended and not self._is_delivering():
            self._close()

    def _drop_body(self, body: Body) -> None:
        self._body = None
        body.discard()
        self._reception.limits.give_back_mail()

    # What all of them need.

    def _wait(self, data: bytes) -> None:
        self._partial += data
        if len(self._partial) > _PENDING_LIMIT:
            self._pause()

    def _ignore(self, data: bytes) -> None:
        """The peer is being hung up on; what it still says does not matter."""

    def _is_delivering(self) -> bool:
        return self._dialogue.turn is Turn.CONTENT and self._body is None

    def _is_busy(self) -> bool:
        return self._dialogue.turn is not Turn.COMMAND

    def _resume(self) -> None:
        if self._body is not None:  # a pause of ours does not make the peer slow
            self._since, self._octets = self._loop.time(), 0
        super()._resume()

    def _turn_away(self, reply: bytes) -> None:
        """Close at once: a crowd that lingers would keep everybody else out."""
        self._log("smtp.turned_away", reply=reply[:9].decode())
        self._consume = self._ignore
        self._dialogue.turn = Turn.BYE
        self._reply(reply)
        self._close()

    def _hang_up(self, reply: bytes) -> None:
        """Say why, close our side, and give the peer a moment to read it and close its own."""
        if self._consume == self._ignore:
            return
        if reply:
            self._log("smtp.hung_up", reply=reply[:9].decode())
            self._reply(reply)
        self._consume = self._ignore
        self._dialogue.turn = Turn.BYE
        if self._body is not None:
            self._drop_body(self._body)
        self._close_gently()

    def _log(self, event: str, **facts: object) -> None:
        mail = self._dialogue.mail
        unit = mail.unit if mail is not None else ""
        _log.info(event, channel=self._reception.settings.name, unit=unit, peer=self._peer, **facts)


def _too_large(limit: int) -> bytes:
    return b"552 5.3.4 too large, we take %d octets\r\n" % limit


def _address(peername: object) -> str:
    if not isinstance(peername, tuple):
        return ""
    return str(peername[0]).removeprefix("::ffff:")
