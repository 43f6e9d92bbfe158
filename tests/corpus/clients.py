"""How mail programs write a mail: their headers, character sets and transfer encodings."""

from __future__ import annotations

from base64 import b64encode
from binascii import b2a_qp
from typing import NamedTuple

BASE = "お客様サポート <support@example.com>"


class Client(NamedTuple):
    """A mail program: what it calls itself, how it encodes, how it ends lines."""

    agent: str
    charset: str = "utf-8"
    encoding: str = "quoted-printable"
    more: str = ""


CLIENTS = {
    "gmail": Client("MIME-Version: 1.0", "UTF-8", "base64"),
    "outlook": Client("X-Mailer: Microsoft Outlook 16.0", "iso-2022-jp", "7bit", "Thread-Index: AdsM1w=="),
    "outlook-west": Client("X-Mailer: Microsoft Outlook 16.0", "windows-1252"),
    "outlook-mobile": Client("X-MS-Exchange-CrossTenant-Id: 1", "utf-8", "base64"),
    "iphone": Client("X-Mailer: iPhone Mail (22G86)", "utf-8", "base64"),
    "apple": Client("X-Mailer: Apple Mail (2.3826)", "utf-8", "quoted-printable"),
    "yahoo-jp": Client("X-Mailer: YahooMailWebService/0.8.111_77", "iso-2022-jp", "7bit"),
    "becky": Client("X-Mailer: Becky! ver. 2.81.06 [ja]", "ISO-2022-JP", "7bit"),
    "thunderbird": Client("User-Agent: Mozilla Thunderbird", "UTF-8", "8bit", "Content-Language: en-US"),
    "shuriken": Client("X-Mailer: JsvMail 11.0 (Shuriken)", "ISO-2022-JP", "7bit"),
    "live": Client("X-Mailer: Microsoft Windows Live Mail 16.4", "iso-2022-jp", "7bit"),
    "docomo": Client("X-Mailer: docomo mail", "Shift_JIS", "base64"),
    "au": Client("X-Mailer: au Mail", "ISO-2022-JP", "7bit"),
    "softbank": Client("X-Mailer: SoftBank", "UTF-8", "base64"),
    "web": Client("X-Mailer: PHPMailer 6.9.1", "UTF-8", "base64"),
    "yahoo": Client("X-Mailer: WebService/1.1.23187 YMailNorrin", "UTF-8", "quoted-printable"),
    "samsung": Client("X-Mailer: Samsung Email", "utf-8", "base64"),
    "zimbra": Client("X-Mailer: Zimbra 8.8.15", "utf-8", "quoted-printable"),
}  # fmt: skip


def _word(text: str, charset: str) -> str:
    if text.isascii():
        return text
    return f"=?{charset}?B?{b64encode(text.encode(charset)).decode()}?="


def _encoded(text: str, client: Client) -> bytes:
    data = text.replace("\n", "\r\n").encode(client.charset, "replace")
    if client.encoding == "base64":
        plain = b64encode(data)
        return b"\r\n".join(plain[i : i + 76] for i in range(0, len(plain), 76)) + b"\r\n"
    return b2a_qp(data, istext=True) if client.encoding == "quoted-printable" else data


def write(  # one argument for each thing that a person decides on
    text: str,
    *,
    client: str = "gmail",
    subject: str = "Re: your order",
    name: str = "",
    address: str = "hanako@example.jp",
    more: str = "",
) -> bytes:
    """The bytes of a whole mail as this program sends it."""
    program = CLIENTS[client]
    lines = [
        "Return-Path: <hanako@example.jp>",
        "Received: from mail.example.jp (mail.example.jp [192.0.2.25])",
        "\tby mx.example.com with ESMTPS id 4abc; Mon, 5 Jan 2026 10:00:02 +0900",
        f"From: {_word(name, program.charset)} <{address}>" if name else f"From: {address}",
        "To: support@example.com",
        f"Subject: {_word(subject, program.charset)}",
        "Message-ID: <20260105100000.1A2B@example.jp>",
        "Date: Mon, 5 Jan 2026 10:00:00 +0900",
        program.agent,
        *([program.more] if program.more else []),
        *([more] if more else []),
        f'Content-Type: text/plain; charset="{program.charset}"',
        f"Content-Transfer-Encoding: {program.encoding}",
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + _encoded(text, program)
