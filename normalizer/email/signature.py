"""What a mail program or a company puts under a text: signatures, list footers, disclaimers.

A closing (`Best regards, John`) is the customer's own and stays; only what is marked as a signature
or was plainly appended by a machine is labelled, because showing more is the smaller fault.
"""

from __future__ import annotations

import re

MAX_SIGNATURE = 30
MAX_LOOSE = 10
MAX_BOX = 40

_MOBILE = re.compile(
    r"[\s<(\[*_>]*(?:"
    r"(?:sent|written|typed) (?:from|via|with|by|using|on) \W{0,3}(?:(?:my|the|a) )?(?:[\w-]+ ){0,3}(?:iphone|ipad|ipod|android|samsung|galaxy|htc|nokia|blackberry|huawei|"
    r"xiaomi|pixel|mobile|phone|cell|tablet|mailbox|airmail|windows|outlook|yahoo|gmail|proton|spark|mail\b|aqua|k-9|nine|hey|thunderbird|edison|bluemail|fastmail|tutanota|canary|mailspring|superhuman|e?m client|rogers|bell|verizon|t-mobile|at&t|boxer|type ?app|inbox|wechat|line\b|zoho|newton|polymail)"
    r"|get (?:\[?outlook|bluemail|the (?:new )?(?:outlook|aol)|mailspring|type ?app)|(?:from|via) my (?:i?phone|i?pad|android|mobile|samsung|htc|nokia|blackberry|cell|galaxy)"
    r"|download (?:the )?(?:outlook|bluemail|aol)"
    r"|envoy[ée] (?:depuis|de|à partir de|avec|via) (?:mon|ma|mes|l'|un|une|\W?(?:outlook|yahoo|mail|iphone|samsung|gmail|proton|orange))|obtenir outlook|télécharge[rz] outlook"
    r"|von meine[mr] .{0,60}(?:gesendet|geschickt)|(?:diese|gesendet|verschickt|mobil gesendet).{0,90}(?:von meine[mr]|mit meine[mr]|gesendet\.?$|von (?:outlook|mail|yahoo|iphone|samsung|gmx|web\.de|unterwegs)|mit (?:der|dem) )|outlook für (?:ios|android) (?:beziehen|herunterladen)|holen sie sich outlook"
    r"|enviad[oa] (?:desde|do|de|a partir|com|con|via) (?:mi|meu|minha|o meu|el|\W?(?:outlook|yahoo|correo|iphone|samsung|gmail|mail|proton))|obten(?:er|ha) outlook|obter (?:o )?outlook"
    r"|inviato (?:da|dal|con|tramite) (?:il )?(?:mio|\W?(?:outlook|iphone|ipad|samsung|yahoo|libero|posta|mail|gmail))|ottieni outlook|scarica outlook"
    r"|verz?onden (?:vanaf|van|met|via) (?:mijn|\W?(?:outlook|iphone|ipad|samsung|blackberry|mail|yahoo|gmail))|verstuurd vanaf|outlook voor (?:ios|android) downloaden|downloaden outlook"
    r"|sendt fra (?:min|mit|\W?(?:outlook|iphone|ipad|yahoo|mail|samsung))|skickat från (?:min|mitt|\W?(?:outlook|iphone|ipad|yahoo|mail|samsung|e-post))|hämta outlook|hent outlook|lähetetty (?:\S+ )?(?:iphone|ipad|android|samsung|laite|puhelim|outlook)\S*|hanki outlook"
    r"|wysłan[eoa] z |pobierz outlook|отправлено (?:с|из|от)\s|надіслано з\s|скачать outlook|odesláno (?:z|ze|pomocí)\s|odoslané z\s|iphone'?(?:'?u?m)?(?:dan|den) gönderildi|\S+ (?:cihazımdan|telefonumdan) gönderildi|outlook(?:'u)? (?:edinin|indirin)|az? \S+ küldve|trimis de pe |poslano (?:s|iz|sa) |dikirim dari |được gửi từ |gửi từ "
    r"|\S{0,20}(?:iphone|ipad|android|xperia|galaxy|スマートフォン|スマホ|携帯|ドコモ|docomo|outlook|yahoo ?メール|gmail)\S{0,20}(?:から|より|で)の?(?:送信|返信)|(?:從|从|由)\W?我的.{0,20}(?:傳送|发送|發送|寄出)|(?:发自|發自|寄自)|\S*outlook.{0,20}を入手|获取\W|取得\W{0,2}outlook|나의 .{0,30}에서 보냄|\S+에서 보냄"
    r")",
    re.IGNORECASE,
)  # fmt: skip
# How a line of that kind begins, or what it holds where words are not set apart; a set is cheaper than trying the pattern on every line.
_MOBILE_WORDS = frozenset(
    {
        "sent",
        "written",
        "typed",
        "get",
        "from",
        "via",
        "download",
        "envoye",
        "obtenir",
        "von",
        "diese",
        "gesendet",
        "verschickt",
        "mobil",
        "outlook",
        "holen",
        "enviado",
        "enviada",
        "obtener",
        "obtenha",
        "obter",
        "inviato",
        "ottieni",
        "scarica",
        "verzonden",
        "verstuurd",
        "downloaden",
        "sendt",
        "skickat",
        "hent",
        "hanki",
        "pobierz",
        "trimis",
        "poslano",
        "dikirim",
        "az",
        "iphone",
        "ipad",
        "android",
        "envoyé",
        "télécharger",
        "téléchargez",
        "hämta",
        "lähetetty",
        "wysłane",
        "wysłano",
        "wysłana",
        "отправлено",
        "надіслано",
        "скачать",
        "odesláno",
        "odoslané",
        "được",
        "gửi",
        "xperia",
        "galaxy",
        "docomo",
        "gmail",
        "iphone'dan",
        "iphone'umdan",
        "iphone'den",
    }
)
# No device that is known; only at the very end it is no sentence of the customer's.
_SENT_FROM = re.compile(r"[\s<(\[*_>]*sent (?:from|via) (?:my|the) \S", re.IGNORECASE)
_MOBILE_MARKS = (
    "から",
    "より",
    "で送信",
    "入手",
    "取得",
    "获取",
    "我的",
    "发自",
    "發自",
    "寄自",
    "에서",
    "gönderildi",
    "küldve",
)
_LIST_RULE = re.compile(r"^_{2,}\s*$")
_LIST = re.compile(
    r"mailing list|list-?serv|unsubscribe|listinfo|to post to this group|メーリングリスト|配信(?:停止|解除)",
    re.IGNORECASE,
)
_DISCLAIMER = re.compile(
    r"(?:this|the information (?:contained )?in this|the contents? of this) (?:e-?mail|message|communication|transmission)[^\n]{0,120}(?:confidential|privileged|intended (?:only|solely|for)|addressee)"
    r"|confidentiality (?:notice|note)|if you are not the intended recipient|please consider the environment before printing"
    r"|diese (?:e-?mail|nachricht)[^\n]{0,60}(?:vertraulich)|ce (?:message|courriel|mail)[^\n]{0,80}(?:confidentiel)|este (?:mensaje|correo|e-?mail)[^\n]{0,80}(?:confidencial)"
    r"|(?:この|本)(?:電子)?(?:e-?)?メール(?:および|及び|は|に|の)[^\n]{0,60}(?:機密|秘密|誤って|誤送信|名宛人|宛先)", re.IGNORECASE,
)  # fmt: skip
_DISCLAIMER_WORDS = (
    "confiden", "privileged", "intended", "environment before", "vertraulich", "機密", "秘密",
    "誤って", "誤送信", "名宛人",
)  # fmt: skip
_BOX = re.compile(
    r"^\s*(?:[-=*━─＝～~_+#◆■□☆★◇○●\u2500-\u257f][ 　]?){8,}\s*$|^\s*(?:.{1,2})(?:[-=*━─]){8,}.{0,2}\s*$"
)
_CONTACT = re.compile(
    r"(?:tel|fax|phone|mobile|電話|携帯|〒|e-?mail|mail|url|https?:|www\.|住所|株式会社|有限会社)",
    re.IGNORECASE,
)


def is_delimiter(line: str) -> bool:
    """`-- ` alone on a line (RFC 3676 section 4.3), also without its space."""
    return line.rstrip(" \t\xa0\r") == "--"


def is_mobile(line: str) -> bool:
    """`Sent from my iPhone` and its kin: one short line that a mail program wrote."""
    if len(line) > 130:
        return False
    first = line.lstrip("<([*_> ").split(None, 1)
    if first and first[0].lower() in _MOBILE_WORDS:
        return bool(_MOBILE.match(line))
    if line.isascii():
        return line.endswith("from mobile")
    return any(mark in line for mark in _MOBILE_MARKS) and bool(_MOBILE.match(line))


def is_sent_from(line: str) -> bool:
    """`Sent from my …` whatever it is, or any other mobile signature."""
    return is_mobile(line) or (len(line) <= 80 and bool(_SENT_FROM.match(line)))


def is_list_footer(lines: list[str], index: int) -> bool:
    """A line of underscores and, below it, how to leave a mailing list."""
    return bool(_LIST_RULE.match(lines[index])) and any(
        _LIST.search(line) for line in lines[index + 1 : index + 6]
    )


def may_disclaim(text: str) -> bool:
    """Whether a text holds any word of a disclaimer, before its lines are looked at."""
    lower = text.lower()
    return any(word in lower for word in _DISCLAIMER_WORDS)


def is_disclaimer(line: str) -> bool:
    return len(line) > 30 and bool(_DISCLAIMER.search(line[:300]))


def is_box(lines: list[str], index: int) -> bool:
    """A drawn line with name and telephone below it, to the end of the text: a business card."""
    if len(lines) - index > MAX_BOX:
        return False
    rest = [line for line in lines[index + 1 :] if line.strip()]
    if not 1 < len(rest) <= 16 or not _BOX.match(lines[index]):
        return False
    found = sum(bool(_CONTACT.search(line)) for line in rest)
    return found >= 2 and all(len(line) <= 80 for line in rest)
