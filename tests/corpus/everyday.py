"""Everyday mail of Japanese help desks as it travels: carriers, old programs, relays, forms."""

from __future__ import annotations

from base64 import b64encode
from typing import NamedTuple

_DATE = b"Date: Mon, 5 Jan 2026 10:00:00 +0900\r\n"
_TO = b"To: support@example.com\r\n"


class Expected(NamedTuple):
    """What a reader must find; an empty field is not asked for."""

    name: str
    address: str
    subject: str
    text: str
    files: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()


def _word(text: str, charset: str) -> bytes:
    return b"=?" + charset.encode() + b"?B?" + b64encode(text.encode(charset)) + b"?="


def _mail(sender: bytes, subject: bytes, kind: bytes, body: bytes, more: bytes = b"") -> bytes:
    return (
        b"From: " + sender + b"\r\n" + _TO + b"Subject: " + subject + b"\r\n" + _DATE
        + b"Message-ID: <1@example.jp>\r\n" + more + b"MIME-Version: 1.0\r\nContent-Type: " + kind + b"\r\n\r\n" + body
    )  # fmt: skip


_JIS = b"text/plain; charset=ISO-2022-JP"
_ASK = "注文した商品が届きません。確認をお願いします。"
# NEC row 13 and IBM extensions, as Windows programs put them into ISO-2022-JP.
_NEC = b"\x1b$B-!-\x22-j\x1b(B"

MAILS: tuple[tuple[str, bytes, Expected], ...] = (
    ("jis", _mail(_word("佐藤花子", "iso-2022-jp") + b" <hanako@example.jp>", _word("商品について", "iso-2022-jp"), _JIS, _ASK.encode("iso2022_jp")), Expected("佐藤花子", "hanako@example.jp", "商品について", _ASK)),
    ("jis-folded-subject", _mail(b"hanako@example.jp", _word("先週注文した商品がまだ", "iso-2022-jp") + b"\r\n " + _word("届いていない件について", "iso-2022-jp"), _JIS, _ASK.encode("iso2022_jp")), Expected("", "hanako@example.jp", "先週注文した商品がまだ届いていない件について", _ASK)),
    ("jis-cut-character", _mail(b"hanako@example.jp", b"=?utf-8?B?5rOo5paH44Gu5A==?=\r\n =?utf-8?B?uovjgavjgaTjgYTjgaY=?=", _JIS, _ASK.encode("iso2022_jp")), Expected("", "hanako@example.jp", "注文の事について", _ASK)),
    ("jis-nec", _mail(b"hanako@example.jp", b"x", _JIS, _NEC), Expected("", "hanako@example.jp", "x", "①②㈱")),
    ("jis-raw-subject", _mail(b"hanako@example.jp", "返品".encode("iso2022_jp"), _JIS, _ASK.encode("iso2022_jp")), Expected("", "hanako@example.jp", "返品", _ASK)),
    ("jis-unlabelled", _mail(b"hanako@example.jp", b"x", b"text/plain", _ASK.encode("iso2022_jp")), Expected("", "hanako@example.jp", "x", _ASK)),
    ("jis-label-us-ascii", _mail(b"hanako@example.jp", b"x", b"text/plain; charset=us-ascii", _ASK.encode("iso2022_jp")), Expected("", "hanako@example.jp", "x", _ASK)),
    ("half-width-kana", _mail(b"hanako@example.jp", b"x", _JIS, b"\x1b(I7,]>Y\x1b(B"), Expected("", "hanako@example.jp", "x", "ｷｬﾝｾﾙ")),
    ("sjis", _mail(_word("田中", "shift_jis") + b" <t@example.jp>", _word("㈱サンプル①", "cp932").replace(b"cp932", b"Shift_JIS"), b"text/plain; charset=Shift_JIS", _ASK.encode("cp932")), Expected("田中", "t@example.jp", "㈱サンプル①", _ASK)),
    ("sjis-unlabelled", _mail(b"t@example.jp", b"x", b"text/plain", _ASK.encode("cp932")), Expected("", "t@example.jp", "x", _ASK)),
    ("sjis-labelled-jis", _mail(b"t@example.jp", b"x", _JIS, _ASK.encode("cp932")), Expected("", "t@example.jp", "x", _ASK)),
    ("euc", _mail(b"t@example.jp", b"x", b"text/plain; charset=EUC-JP", _ASK.encode("euc_jp")), Expected("", "t@example.jp", "x", _ASK)),
    ("utf8-labelled-jis", _mail(b"t@example.jp", b"x", _JIS, _ASK.encode()), Expected("", "t@example.jp", "x", _ASK)),
    ("utf8-raw-header", _mail("田中太郎 <t@example.jp>".encode(), "返品について".encode(), b"text/plain; charset=utf-8", _ASK.encode()), Expected("田中太郎", "t@example.jp", "返品について", _ASK)),
    ("sjis-raw-header", _mail("田中太郎".encode("cp932") + b" <t@example.jp>", "返品について".encode("cp932"), b"text/plain; charset=Shift_JIS", _ASK.encode("cp932")), Expected("田中太郎", "t@example.jp", "返品について", _ASK)),
    ("docomo-dots", _mail(b"foo..bar@docomo.ne.jp", b"x", _JIS, _ASK.encode("iso2022_jp")), Expected("", "foo..bar@docomo.ne.jp", "x", _ASK, claims=("foo..bar@docomo.ne.jp",))),
    ("docomo-dot-at", _mail(b"foo.@docomo.ne.jp", b"x", _JIS, _ASK.encode("iso2022_jp")), Expected("", "foo.@docomo.ne.jp", "x", _ASK, claims=("foo.@docomo.ne.jp",))),
    ("docomo-quoted", _mail(b'"foo..bar"@docomo.ne.jp', b"x", _JIS, _ASK.encode("iso2022_jp")), Expected("", '"foo..bar"@docomo.ne.jp', "x", _ASK, claims=('"foo..bar"@docomo.ne.jp',))),
    ("ezweb-dash", _mail(b"-foo-@ezweb.ne.jp", b"", _JIS, _ASK.encode("iso2022_jp")), Expected("", "-foo-@ezweb.ne.jp", "", _ASK)),
    ("empty-subject", _mail(b"t@docomo.ne.jp", b"", b"text/plain; charset=Shift_JIS", _ASK.encode("cp932")), Expected("", "t@docomo.ne.jp", "", _ASK)),
    ("empty-body", _mail(b"t@docomo.ne.jp", b"x", b"text/plain; charset=Shift_JIS", b""), Expected("", "t@docomo.ne.jp", "x", "")),
    ("photo-only", _mail(b"t@docomo.ne.jp", _word("写真", "iso-2022-jp"), b'multipart/mixed; boundary="B"', b'--B\r\nContent-Type: image/jpeg; name="=?ISO-2022-JP?B?GyRCPEw/PxsoQi5qcGc=?="\r\nContent-Transfer-Encoding: base64\r\n\r\n/9j/\r\n--B--\r\n'), Expected("", "t@docomo.ne.jp", "写真", "", ("写真.jpg",))),
    ("file-2231-sjis", _mail(b"t@example.jp", b"x", b'multipart/mixed; boundary="B"', b"--B\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nhi\r\n--B\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment;\r\n filename*0*=shift_jis''%90%BF%8B%81;\r\n filename*1*=%8F%91.pdf\r\n\r\nx\r\n--B--\r\n"), Expected("", "t@example.jp", "x", "hi", ("請求書.pdf",))),
    ("file-raw-sjis", _mail(b"t@example.jp", b"x", b'multipart/mixed; boundary="B"', b'--B\r\n\r\nhi\r\n--B\r\nContent-Type: application/pdf; name="' + "請求書.pdf".encode("cp932") + b'"\r\n\r\nx\r\n--B--\r\n'), Expected("", "t@example.jp", "x", "hi", ("請求書.pdf",))),
    ("file-word-in-two", _mail(b"t@example.jp", b"x", b'multipart/mixed; boundary="B"', b'--B\r\n\r\nhi\r\n--B\r\nContent-Type: application/pdf;\r\n name="=?utf-8?B?6KuL5rGC?=\r\n =?utf-8?B?5pu4LnBkZg==?="\r\n\r\nx\r\n--B--\r\n'), Expected("", "t@example.jp", "x", "hi", ("請求書.pdf",))),
    ("deco-mail", _mail(b"t@docomo.ne.jp", b"x", b'multipart/mixed; boundary="M"', b'--M\r\nContent-Type: multipart/related; boundary="R"\r\n\r\n--R\r\nContent-Type: multipart/alternative; boundary="A"\r\n\r\n--A\r\nContent-Type: text/plain; charset=Shift_JIS\r\n\r\n' + "ありがとう".encode("cp932") + b"\r\n--A\r\nContent-Type: text/html; charset=Shift_JIS\r\n\r\n<body>" + "ありがとう".encode("cp932") + b'<img src="cid:01@deco"></body>\r\n--A--\r\n--R\r\nContent-Type: image/gif; name=01.gif\r\nContent-ID: <01@deco>\r\nContent-Transfer-Encoding: base64\r\n\r\nR0lG\r\n--R--\r\n--M--\r\n'), Expected("", "t@docomo.ne.jp", "x", "ありがとう", ("01.gif",))),
    ("flowed-delsp", _mail(b"t@example.jp", b"x", b"text/plain; charset=utf-8; format=flowed; delsp=yes", "これは長い文なので途中で \r\n折り返されています。\r\n".encode()), Expected("", "t@example.jp", "x", "これは長い文なので途中で折り返されています。")),
    ("web-form", _mail(b"no-reply@shop.example.com", _word("お問い合わせ", "utf-8"), b"text/plain; charset=utf-8", "お名前: 佐藤花子\nメール: hanako@example.jp\n内容: 届きません\n".encode(), b"Reply-To: hanako@example.jp\r\n"), Expected("", "no-reply@shop.example.com", "お問い合わせ", "お名前: 佐藤花子\nメール: hanako@example.jp\n内容: 届きません", claims=("no-reply@shop.example.com", "hanako@example.jp"))),
    ("market-relay", _mail(_word("佐藤花子", "utf-8") + b" <a1b2c3d4@relay.market.example>", _word("【市場】商品についてのお問い合わせ", "utf-8"), b"text/plain; charset=utf-8", _ASK.encode(), b"Sender: noreply@market.example\r\nX-Market-Order: 4711\r\n"), Expected("佐藤花子", "a1b2c3d4@relay.market.example", "【市場】商品についてのお問い合わせ", _ASK, claims=("a1b2c3d4@relay.market.example", "noreply@market.example"))),
    ("google-groups", _mail(b"\"'Hanako' via Support\" <support@example.com>", b"x", b"text/plain; charset=utf-8", _ASK.encode(), b"X-Original-From: Hanako <hanako@example.jp>\r\nX-Original-Sender: hanako@example.jp\r\nList-ID: <support.example.com>\r\n"), Expected("'Hanako' via Support", "support@example.com", "x", _ASK, claims=("support@example.com", "hanako@example.jp", "hanako@example.jp"))),
    ("resent", _mail(b"hanako@example.jp", b"x", b"text/plain; charset=utf-8", _ASK.encode(), b"Resent-From: boss@example.com\r\n"), Expected("", "hanako@example.jp", "x", _ASK, claims=("hanako@example.jp", "boss@example.com"))),
    ("two-froms", b"From: evil@x.example\r\n" + _mail(b"hanako@example.jp", b"x", b"text/plain; charset=utf-8", _ASK.encode()), Expected("", "evil@x.example", "x", _ASK, claims=())),
    ("8bit-in-7bit", _mail(b"t@example.jp", b"x", b"text/plain; charset=utf-8", _ASK.encode(), b"Content-Transfer-Encoding: 7bit\r\n"), Expected("", "t@example.jp", "x", _ASK)),
    ("quoted-printable-jis", _mail(b"t@example.jp", b"x", _JIS, b"=1B$BJVIJ=1B(B", b"Content-Transfer-Encoding: quoted-printable\r\n"), Expected("", "t@example.jp", "x", "返品")),
    ("base64-utf8", _mail(b"t@example.jp", b"x", b"text/plain; charset=utf-8", b64encode(_ASK.encode()), b"Content-Transfer-Encoding: BASE64\r\n"), Expected("", "t@example.jp", "x", _ASK)),
)  # fmt: skip
