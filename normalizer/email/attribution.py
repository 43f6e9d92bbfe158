"""Where a quotation begins: attribution lines, copied header blocks and separators, in any language.

An attribution is recognised by its shape, not by whole sentences: it ends in a colon or a verb of
writing, and names a moment or an address. Only a few lines are looked at, each once.
"""

from __future__ import annotations

import re

MAX_JOINED = 5
MAX_LENGTH = 400

_VERBS = [
    "wrote",
    "writes",
    "sent",
    "said",
    "schrieb",
    "geschrieben",
    "écrit",
    "escribió",
    "escribio",
    "escreveu",
    "scritto",
    "scrisse",
    "schreef",
    "skrev",
    "skreiv",
    "skrifaði",
    "kirjoitti",
    "napisał",
    "napisała",
    "napisał(a)",
    "napisal",
    "napsal",
    "napsal(a)",
    "napsala",
    "napísal",
    "napísala",
    "написал",
    "написала",
    "написал(а)",
    "пишет",
    "написав",
    "пише",
    "написа",
    "írta",
    "ezt",
    "scris",
    "yazdı",
    "viết",
    "写到",
    "έγραψε",
    "כתב",
    "كتب",
    "menulis",
    "napisao",
    "raksti",
    "rašė",
    "kirjutas",
    "escriure",
    "escrigué",
    "scríobh",
]
_VERB = re.compile(
    r"(?:^|[\s>\"'(,)\]])(?:" + "|".join(map(re.escape, _VERBS)) + r")(?=$|[\s:：,.\-*_()])"
    r"|(?:のメール|写道|寫道|書きました|작성)", re.IGNORECASE,
)  # fmt: skip
_VERB_AT_END = re.compile(
    r"(?:wrote|sent|schrieb|a écrit|escribió|escreveu|ha scritto|schreef|skrev|napisał\(?a?\)?|書きました)"
    r"[\s\-*_]*[:：]?[\s\-*_]*$", re.IGNORECASE,
)  # fmt: skip
_EMAIL = re.compile(r"[^\s<>\"'()\[\]]+@[^\s<>\"'()\[\]]+")
_MOMENT = re.compile(
    r"\d{1,4}[./-]\s?\d{1,2}[./-]\s?\d{2,4}|\d{4}年|(?<!\d)\d{1,2}[:.hH]\d{2}(?!\d)|(?<!\d)(?:19|20)\d\d(?!\d)"
)
_TIME = re.compile(r"(?<!\d)\d{1,2}[:.]\d{2}(?!\d)|\d{1,2}時")
_OPENING = re.compile(
    r"(?:(?:on|at|am|um|le|el|em|no dia|il|in data|op|den|på|dnia|w dniu|dňa|dne|vào|pada|на|в|"
    r"le|la|den|kl|ngày)\b|(?:mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so|lun|mar|mer|jeu|ven|sam|dim|mié|jue|"
    r"vie|sáb|dom|pon|wt|śr|czw|pt|sob|niedz|man|tir|ons|tor|fre|lør|søn|mån|tis|lör|sön|ma|ti|ke|to|pe|la|su|пн|вт|"
    r"ср|чт|пт|сб|вс|po|út|ut|st|čt|št|pá|pi|ne|sze|cs|sen|sel|rab|kam|jum|sab|min|th)[a-zà-ž]{0,8}\b|\d{1,4}[-./年:\s]|\[?\d)",
    re.IGNORECASE,
)
_PERSON = re.compile(
    r"\b(?:i|we|you|ich|wir|sie|je|nous|vous|yo|usted|io|eu|ik|jag|jeg)\b", re.IGNORECASE
)
# Some mobile programs put the quoted text on the same line.
_INLINE = re.compile(
    r"\b(?:wrote|schrieb|a écrit|escribió|escreveu|ha scritto|schreef|skrev) ?:\s{2,}\S"
)
_REPLY_ABOVE = re.compile(
    r"(?:please )?(?:type|write|reply|respond|answer|enter) .{0,30}above this line|(?:bitte )?(?:antworten|schreiben) sie .{0,30}(?:über|oberhalb) dieser"
    r"|(?:この線|この行)より上",
    re.IGNORECASE,
)
# In any language: an address in brackets that ends the line above a marked quotation.
_ADDRESSED = re.compile(r"<\s*[^\s<>]+@[^\s<>]+>\W{0,4}$")

_FROM = (
    "From|Von|De|Da|Van|Fra|Från|Od|От|От кого|Від|Kimden|Gönderen|Lähettäjä|Feladó|Expéditeur|Remitente|Mittente|"
    "Afzender|Avsändare|Afsender|差出人|送信者|発信者|送信元|发件人|寄件者|寄件人|發件人|보낸 사람|보낸사람|Από|מאת|من|Dari|Từ|Message du|De la"
)
_WHEN = (
    "Sent|Date|Gesendet|Datum|Envoyé|Envoyé le|Enviado|Enviado el|Enviado em|Fecha|Inviato|Data|Verzonden|Verstuurd|"
    "Sendt|Dato|Skickat|Wysłano|Wysłane|Отправлено|Дата|Надіслано|Gönderildi|Tarih|Lähetetty|Päivämäärä|Päiväys|Pvm|"
    "Odesláno|Odoslané|Elküldve|Dátum|Trimis|送信日時|日時|日付|送信|发送时间|日期|發送時間|傳送時間|보낸 날짜|날짜|Ημερομηνία|Dikirim|Tanggal|Message du"
)
_WHOM = (
    "To|An|À|A|Para|Aan|Til|Till|Do|Кому|Kime|Vastaanottaja|Komu|Címzett|Către|宛先|收件人|받는 사람|Προς|אל|إلى|Kepada|Đến|"
    "Cc|Kopie|Copie|Copie à|CC|Copia|Kopio|Kopia|Kopi|Копия|참조|抄送|副本"
)
_ABOUT = (
    "Subject|Betreff|Betr|Objet|Sujet|Asunto|Assunto|Oggetto|Onderwerp|Emne|Ämne|Temat|Тема|Konu|Aihe|Předmět|Predmet|"
    "Tárgy|Subiect|件名|題名|主题|主旨|主題|제목|Θέμα|נושא|الموضوع|Perihal|Subjek|Chủ đề"
)
_KINDS = {
    name.lower(): kind
    for kind, names in (("to", _WHOM), ("on", _ABOUT), ("at", _WHEN), ("by", _FROM))
    for name in names.split("|")
}
# What a contact form asks; such a block is what the customer typed.
_FORM = re.compile(
    r"(?:your )?(?:(?:full |first |last )?name|e-?mail(?: address)?|phone|telephone|tel|message|comments?|company|"
    r"お名前|氏名|名前|メールアドレス|電話番号|電話|お問い?合わ?せ内容|内容|ご用件|会社名)\s*[:：]", re.IGNORECASE,
)  # fmt: skip

_ORIGINAL = (
    r"(?:original|reply) (?:message|e-?mail|appointment)|(?:ursprüngliche|antwort|original)\W?(?:nachricht|mail)|message d'origine|message original|"
    r"mail original(?:e)?|mensaje original|mensagem original|messaggio originale|oorspronkelijk bericht|oprindelig (?:besked|meddelelse)|"
    r"opprinnelig (?:melding|e-post)|original(?:t )?meddelande|ursprungligt meddelande|alkuperäinen viesti|wiadomość oryginalna|"
    r"(?:oryginalna|pierwotna) wiadomość|(?:исходное|оригинальное|первоначальное) сообщение|původní (?:zpráva|e-mail)|pôvodná správa|"
    r"eredeti üzenet|(?:orijinal|özgün) (?:mesaj|ileti)|mesajul original|izvorna poruka|"
    r"元のメッセージ|元のメール|オリジナルメッセージ|原始邮件|原始郵件|原邮件|원본 ?메시지|pesan asli|αρχικό μήνυμα"
)
_FORWARDED = (
    r"forwarded (?:message|by|mail)|begin forwarded message|weitergeleitete nachricht|anfang der weitergeleiteten|(?:message|mail|courriel|e-mail) transféré|"
    r"début du message (?:transféré|réexpédié)|mensaje reenviado|mensagem encaminhada|messaggio (?:inoltrato|reindirizzato)|inizio messaggio inoltrato|"
    r"doorgestuurd bericht|begin doorgestuurd bericht|videresendt (?:besked|melding)|vidarebefordrat (?:meddelande|brev)|edelleenlähetetty viesti|"
    r"przekazana wiadomość|пересылаемое сообщение|пересланное сообщение|přeposlaná zpráva|továbbított üzenet|iletilen mesaj|"
    r"転送(?:された)?メッセージ|転送(?:元の)?メール|转发(?:的)?邮件|轉寄(?:的)?郵件|전달된 메시지"
)
_SEPARATOR = re.compile(r"(?:(" + _FORWARDED + r")|(" + _ORIGINAL + r"))(.{0,60})$", re.IGNORECASE)
_RULE = re.compile(r"[\s>*]*(?:[-_=*~—–━─]\s?){4,}\s*$")


_DECORATION = " \t>*_|-–—~=#\"'\xa0"


def _bare(line: str) -> str:
    """A line without the marks before it, so that no pattern has to walk over them."""
    return line.lstrip(_DECORATION)[:MAX_LENGTH]


def is_rule(line: str) -> bool:
    """A line that is drawn: dashes, underscores, equal signs."""
    return bool(_RULE.match(line[:MAX_LENGTH]))


def separator(line: str) -> str:
    """`forwarded` or `quote` for a line such as `-----Original Message-----`; else empty."""
    bare = " ".join(_bare(line).split())
    match = _SEPARATOR.match(bare)
    if match is None:
        return "quote" if _REPLY_ABOVE.match(bare) else ""
    plain = line.strip()
    drawn = plain[:2] in {"--", "__", "==", "**", "*-"} or plain.startswith(("—", ">"))
    rest = match[3].strip(" -=_*~>—–|")
    if not (drawn or plain.endswith((":", "："))) or rest not in {"", ":", "："}:
        return ""
    return "forwarded" if match[1] else "quote"


def length(lines: list[str], index: int, *, quoted_next: bool) -> int:
    """How many lines an attribution takes that ends at or after `index`; 0 when none begins here."""
    if _is_ruled(lines[index]):
        return 1
    if not _OPENING.match(_bare(lines[index])) and not _begins_with_name(lines[index], quoted_next):
        return 0
    joined = ""
    blank = 0
    for count, line in enumerate(lines[index : index + MAX_JOINED], 1):
        part = (
            line.strip(" \t>*\xa0\ufeff\u200b") if count > 1 else line.strip(" \t*\xa0\ufeff\u200b")
        )
        blank += not part
        if blank > 1 or (
            blank and not (joined and _MOMENT.search(joined) and not joined.endswith((":", ".")))
        ):
            return 0
        joined = f"{joined} {part}" if joined else part
        if len(joined) > MAX_LENGTH:
            return 0
        if part and _is_attribution(joined, quoted_next=quoted_next):
            return 0 if count > 1 and _better_start(lines, index, count) else count
    return 0


def _is_ruled(line: str) -> bool:
    """`---- Ann Lee wrote ----`, as mobile programs draw it."""
    plain = line.strip(" >*")
    return (
        plain.startswith("--")
        and plain.endswith("--")
        and bool(_VERB_AT_END.search(plain.strip("- ")[-80:]))
    )


def _field(line: str) -> str:
    """What a line of a copied header tells: `by` whom, `at` what time, `to` whom, `on` what."""
    bare = line.lstrip(_DECORATION)[:40].replace("：", ":")
    name, colon, _ = bare.partition(":")
    return _KINDS.get(name.strip(" *_\t\xa0").lower(), "") if colon else ""


def writer(line: str) -> str:
    """What stands behind From in a line of a copied header; empty when it is no such line."""
    line = line[:MAX_LENGTH]
    return line.replace("：", ":").partition(":")[2].strip() if _field(line) == "by" else ""


def _begins_with_name(line: str, quoted_next: bool) -> bool:
    """`Max Muster <max@example.com> schrieb am …`: an address and a verb of writing in one line."""
    return "@" in line and (quoted_next or bool(_VERB.search(line)))


def _is_attribution(text: str, *, quoted_next: bool) -> bool:
    if "  " in text and _INLINE.search(text):
        return bool(_MOMENT.search(text) and _OPENING.match(_bare(text)))
    plain = text.rstrip(" -*_>")
    if quoted_next and _ADDRESSED.search(text):
        return bool(_MOMENT.search(text)) or plain.endswith((":", "："))
    ends = plain.endswith((":", "："))
    if not ends and not _VERB_AT_END.search(plain[-24:]):
        return False
    moment, email, verb = _MOMENT.search(text), _EMAIL.search(text), _VERB.search(text)
    if verb and (moment or email):
        if email or quoted_next:
            return True
        # Nothing is marked as quoted: a sentence of the customer's may end in `you wrote:` too.
        return bool(_OPENING.match(_bare(text)) and _TIME.search(text)) and not _PERSON.search(text)
    if not ends or not moment:
        return False
    return bool(email and _TIME.search(text)) or (quoted_next and bool(_TIME.search(text)))


def _better_start(lines: list[str], index: int, count: int) -> bool:
    """Whether a later line begins the same attribution, so that this one is the customer's text."""
    for start in range(index + 1, index + count):
        joined = " ".join(line.strip() for line in lines[start : index + count])
        if (
            _OPENING.match(_bare(joined))
            and _MOMENT.search(joined)
            and _is_attribution(joined, quoted_next=False)
        ):
            return True
    return False


def header_block(lines: list[str], index: int) -> bool:
    """Whether a copied header block (Outlook, mobile clients) begins at this line."""
    first = _field(lines[index])
    if first not in {"by", "at"}:
        return False
    kinds = {first}
    address = "@" in lines[index]
    missed = 0
    for line in lines[index + 1 : index + 9]:
        if _FORM.match(_bare(line)):
            return False
        kind = _field(line)
        missed = 0 if kind else missed + 1
        if missed > 2 or (missed and not line.strip() and len(kinds) > 1):
            break
        if kind:
            kinds.add(kind)
        address = address or "@" in line
    return len(kinds) > 1 and (address or "on" in kinds)
