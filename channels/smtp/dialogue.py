"""What we answer to each command (RFC 5321 section 4.1, RFC 2033 for LMTP); no sockets here."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum, auto

from channels.smtp.address import parse_path
from channels.smtp.auth import MECHANISMS, Aborted, Exchange, Unreadable, is_known
from channels.smtp.rules import Rules, refuse_beyond_ascii, refuse_parameters

_PRINTABLE = re.compile(rb"[\x21-\x7e\x80-\xff][\x20-\x7e\x80-\xff]{0,254}")
_IDLE_COMMANDS_PER_BAD_ONE = 5

_OK = b"250 2.0.0 ok\r\n"
_SENDER_OK = b"250 2.1.0 ok\r\n"
_RECIPIENT_OK = b"250 2.1.5 ok\r\n"
_GO_AHEAD = b"354 go ahead, end with <CRLF>.<CRLF>\r\n"


class Turn(Enum):
    """Whose turn it is, and for what, after a reply."""

    COMMAND = auto()
    CONTENT = auto()
    TLS = auto()
    BYE = auto()


class Transaction:
    """One mail in the making: from MAIL to the reply after its content."""

    __slots__ = ("recipients", "sender", "unit", "utf8")

    def __init__(self, unit: str, sender: str, *, utf8: bool) -> None:
        self.unit = unit
        self.sender = sender
        self.utf8 = utf8
        self.recipients: list[str] = []


class Dialogue:
    """One peer's session. `answer` takes a line and returns the reply; `turn` says what is next."""

    __slots__ = ("_bad", "_exchange", "_idle", "_rules", "helo", "mail", "tls", "turn", "user")

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._exchange: Exchange | None = None
        self._bad = 0
        self._idle = 0
        self.turn = Turn.COMMAND
        self.tls = ""
        self.restart()

    def restart(self, tls: str = "") -> None:
        """Forget what was said; after STARTTLS nothing said before counts (RFC 3207 section 4.2)."""
        self.tls = tls
        self.helo = ""
        self.user = ""
        self.mail: Transaction | None = None
        self.turn = Turn.COMMAND

    def end_mail(self, *, accepted: bool) -> None:
        """The content has been answered; the next transaction may begin."""
        self.mail = None
        self.turn = Turn.COMMAND
        if accepted:
            self._idle = 0

    @property
    def is_spent(self) -> bool:
        """Whether the peer has used up our patience."""
        spent = self._bad * _IDLE_COMMANDS_PER_BAD_ONE + self._idle
        return spent > self._rules.settings.max_bad_commands * _IDLE_COMMANDS_PER_BAD_ONE

    def answer(self, line: bytes) -> bytes:
        if self._exchange is not None:
            return self._proceed(self._exchange, line)
        verb, _, argument = line.partition(b" ")
        commands = _LMTP if self._rules.lmtp else _SMTP
        command = commands.get(verb) or commands.get(verb.upper())
        if command is None:
            return self.bad(b"500 5.5.1 no such command here\r\n")
        return command(self, argument)

    def bad(self, reply: bytes) -> bytes:
        self._bad += 1
        return reply

    def _hello(self, argument: bytes) -> bytes:
        if not _PRINTABLE.fullmatch(argument):
            return self.bad(b"501 5.5.4 say your host name, too\r\n")
        self._idle += 1
        self.helo = argument.rstrip().decode("utf-8", "replace")
        self.mail = None
        return b""

    def helo_(self, argument: bytes) -> bytes:
        return self._hello(argument) or f"250 {self._rules.host.hostname}\r\n".encode()

    def ehlo(self, argument: bytes) -> bytes:
        return self._hello(argument) or self._rules.extensions(encrypted=bool(self.tls))

    def mail_(self, argument: bytes) -> bytes:
        if refusal := self._must_not_mail():
            return self.bad(refusal)
        path = parse_path(b"FROM:", argument)
        if path is None:
            return self.bad(b"501 5.1.7 MAIL FROM:<address> is the way to say it\r\n")
        utf8 = b"SMTPUTF8" in path.parameters
        if refusal := refuse_parameters(self._rules.settings, path) or refuse_beyond_ascii(
            path, utf8=utf8
        ):
            return refusal
        if self._rules.host.full():
            return b"452 4.3.1 no room for mail at present, please try again later\r\n"
        self.mail = Transaction(self._rules.new_unit(), path.address, utf8=utf8)
        return _SENDER_OK

    def _must_not_mail(self) -> bytes:
        settings = self._rules.settings
        if not self.helo:
            return b"503 5.5.1 %s first\r\n" % (b"LHLO" if self._rules.lmtp else b"EHLO")
        if self.mail is not None:
            return b"503 5.5.1 one mail at a time\r\n"
        if settings.tls_required and not self.tls:
            return b"530 5.7.0 STARTTLS first\r\n"
        if settings.auth_required and not self.user:
            return b"530 5.7.0 AUTH first\r\n"
        return b""

    def rcpt(self, argument: bytes) -> bytes:
        mail = self.mail
        if mail is None:
            return self.bad(b"503 5.5.1 MAIL first\r\n")
        path = parse_path(b"TO:", argument)
        if path is None:
            return self.bad(b"501 5.1.3 RCPT TO:<address> is the way to say it\r\n")
        if path.parameters:
            return b"555 5.5.4 parameter not known\r\n"
        if len(mail.recipients) >= self._rules.settings.max_recipients:
            return b"452 4.5.3 enough recipients, the others in another mail please\r\n"
        if refusal := refuse_beyond_ascii(path, utf8=mail.utf8) or self._unknown(path.address):
            self._idle += 1
            return refusal
        mail.recipients.append(path.address)
        return _RECIPIENT_OK

    def _unknown(self, address: str) -> bytes:
        if self._rules.recipients.knows(address):
            return b""
        if self._rules.recipients.is_ours(address):
            return b"550 5.1.1 there is no such mailbox here\r\n"
        return b"550 5.7.1 we take mail for our own addresses only\r\n"

    def data(self, argument: bytes) -> bytes:
        if argument.strip():
            return self.bad(b"501 5.5.4 DATA stands alone\r\n")
        if self.mail is None or not self.mail.recipients:
            return self.bad(b"503 5.5.1 no recipient was accepted\r\n")
        if not self._rules.has_room():
            return b"452 4.3.1 too many mails at a time, please try again later\r\n"
        self.turn = Turn.CONTENT
        return _GO_AHEAD

    def rset(self, argument: bytes) -> bytes:
        self._idle += 1
        if argument.strip():
            return self.bad(b"501 5.5.4 RSET stands alone\r\n")
        self.mail = None
        return _OK

    def noop(self, _: bytes) -> bytes:
        self._idle += 1
        return _OK

    def vrfy(self, _: bytes) -> bytes:
        self._idle += 1
        return b"252 2.1.5 send it, and we shall see\r\n"

    def help(self, _: bytes) -> bytes:
        self._idle += 1
        return b"214 2.0.0 RFC 5321 has all there is to know\r\n"

    def expn(self, _: bytes) -> bytes:
        return self.bad(b"502 5.5.1 lists are not told\r\n")

    def quit(self, _: bytes) -> bytes:
        self.turn = Turn.BYE
        return b"221 2.0.0 goodbye\r\n"

    def starttls(self, argument: bytes) -> bytes:
        if self._rules.settings.tls != "starttls":
            return self.bad(b"502 5.5.1 TLS is not offered\r\n")
        if self.tls:
            return self.bad(b"503 5.5.1 TLS is on already\r\n")
        if argument.strip():
            return self.bad(b"501 5.5.4 STARTTLS stands alone\r\n")
        self.turn = Turn.TLS
        return b"220 2.0.0 go ahead\r\n"

    def auth(self, argument: bytes) -> bytes:
        if refusal := self._must_not_log_in():
            return self.bad(refusal)
        name, _, initial = argument.strip().partition(b" ")
        mechanism = MECHANISMS.get(name.upper())
        if mechanism is None:
            return self.bad(b"504 5.5.4 PLAIN and LOGIN are known here\r\n")
        self._exchange = mechanism(initial)
        return self._proceed(self._exchange, None)

    def _must_not_log_in(self) -> bytes:
        if not self._rules.settings.users:
            return b"502 5.5.1 AUTH is not offered\r\n"
        if not self.tls:
            return b"538 5.7.11 not without encryption\r\n"
        if not self.helo or self.mail is not None or self.user:
            return b"503 5.5.1 not now\r\n"
        return b""

    def _proceed(self, exchange: Exchange, line: bytes | None) -> bytes:
        try:
            return next(exchange) if line is None else exchange.send(line.strip())
        except StopIteration as end:
            name, password = end.value
        except Unreadable:
            self._exchange = None
            return self.bad(b"501 5.5.2 that cannot be read\r\n")
        except Aborted:
            self._exchange = None
            return self.bad(b"501 5.7.0 as you like\r\n")
        self._exchange = None
        if not is_known(self._rules.settings.users, name, password):
            return self.bad(b"535 5.7.8 name or password is wrong\r\n")
        self.user = name
        return b"235 2.7.0 welcome\r\n"


_COMMON: dict[bytes, Callable[[Dialogue, bytes], bytes]] = {
    b"MAIL": Dialogue.mail_,
    b"RCPT": Dialogue.rcpt,
    b"DATA": Dialogue.data,
    b"RSET": Dialogue.rset,
    b"NOOP": Dialogue.noop,
    b"VRFY": Dialogue.vrfy,
    b"EXPN": Dialogue.expn,
    b"HELP": Dialogue.help,
    b"QUIT": Dialogue.quit,
    b"STARTTLS": Dialogue.starttls,
    b"AUTH": Dialogue.auth,
}
_SMTP = _COMMON | {b"HELO": Dialogue.helo_, b"EHLO": Dialogue.ehlo}
_LMTP = _COMMON | {b"LHLO": Dialogue.ehlo}
