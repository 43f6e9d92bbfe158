"""The transport under a connection: replies in batches, pauses, TLS, and the ways to close."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import cast

HANDSHAKE_SECONDS = 10.0
_LINGER_SECONDS = 2.0


class Wire(asyncio.Protocol):
    """What a connection asks of its transport; harmless once the peer is gone."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._replies: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are asyncio's in everything but name.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _: Exception | None) -> None:
        self._transport = None

    def pause_writing(self) -> None:
        # A peer that does not read its replies gives no more commands.
        self._pause()

    def resume_writing(self) -> None:
        self._resume()

    def _reply(self, reply: bytes) -> None:
        self._replies.append(reply)

    def _flush(self) -> None:
        """All replies of a group of commands leave in one write."""
        replies, self._replies = b"".join(self._replies), []
        if replies and self._transport is not None and not self._transport.is_closing():
            self._transport.write(replies)

    def _pause(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _close(self) -> None:
        self._flush()
        if self._transport is not None:
            self._transport.close()

    def _close_gently(self) -> None:
        """Close our side only; closing while the peer still talks would destroy our last reply."""
        self._flush()
        if self._transport is None:
            return
        if not self._transport.can_write_eof():  # TLS says goodbye by itself
            self._transport.close()
            return
        self._resume()
        with suppress(OSError, RuntimeError):  # the peer may have closed already
            self._transport.write_eof()
        self._loop.call_later(_LINGER_SECONDS, self._transport.abort)

    async def _start_tls(self, context: ssl.SSLContext) -> bool:
        """Agree on TLS; the caller has paused reading, so that the handshake is not read by us."""
        transport = self._transport
        if transport is None:
            return False
        try:
            encrypted = await self._loop.start_tls(
                transport,
                self,
                context,
                server_side=True,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
            )
        except OSError:  # ssl.SSLError and TimeoutError are, too
            transport.abort()
            return False
        if self._transport is None or encrypted is None:
            return False
        self._transport = encrypted
        return True

    def _cipher(self) -> str:
        """Protocol and cipher, such as "TLSv1.3 TLS_AES_256_GCM_SHA384"."""
        assert self._transport is not None
        version = self._transport.get_extra_info("ssl_object").version()
        return f"{version} {self._transport.get_extra_info('cipher')[0]}"
