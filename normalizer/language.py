"""The language of a text: by its script, or by its small words; nothing when unsure.

A statistical model would name more languages, and would call `OK` Afrikaans; it also takes 90 MB
and half a second in each process. What this leaves open, the customer's earlier language decides.
"""

from __future__ import annotations

import re

MAX_TEXT = 2000
MAX_SAMPLE = 300
# Measured on short support mails: one small word is chance, two of one language are not.
ENOUGH = 1.5
AHEAD = 1.4
SPREAD = 12

# The words that hold sentences together; few texts of three sentences do without them.
_SMALL_WORDS = {
    "en": "the and you your for with this that have has had not are was were will would could please "
    "my from but they been our is it of to in on at i we be do does did can there what when where how "
    "thank thanks hello dear regards hi",
    "de": "der die das und ich ist nicht sie wir mit für auf ein eine einen dem den zu von haben habe "
    "hat wurde werden kann können bitte danke auch aber noch mein meine ihre ihr guten hallo wie wann wo "
    "im es bei nach sehr geehrte grüße vielen",
    "fr": "le la les des une est vous je nous pas pour dans avec sur ce cette mon ma votre vos que qui "
    "et du au aux ne suis avez été bonjour merci cordialement mais plus il elle à j'ai n'est c'est",
    "es": "el la los las una es que por para con no mi su usted pero como más está he ha del al muchas "
    "gracias hola buenos días saludos quiero tengo puede cuando donde se lo y en",
    "it": "il lo gli della delle che per con non sono è mi una del di al ho hai ha questo questa come "
    "grazie buongiorno salve cordiali saluti ma anche ancora vorrei potete quando dove si e nel dal",
    "pt": "o os as uma não que para com por meu minha você seu sua mas mais está foi tenho obrigado "
    "obrigada olá bom dia do da dos das ao em e quando onde gostaria ainda recebi",
    "nl": "de het een en van ik niet dat is op met voor zijn heb hebben mijn uw u we wij kan kunt graag "
    "bedankt dank hallo goedendag maar nog ook bij naar wanneer waar hoe te er aan deze geen vriendelijke",
    "sv": "och att jag det som inte är för med på har en ett av den till min mitt kan ni vi men om hej "
    "tack när var hur från skulle vänliga hälsningar ännu fått",
    "da": "og at jeg det ikke er for med på har en et af den til min mit kan i vi men om hej tak hvornår "
    "hvor hvordan fra skulle venlig hilsen endnu fået blev meget",
    "no": "og at jeg det ikke er for med på har en et av den til min mitt kan dere vi men om hei takk når "
    "hvor hvordan fra skulle vennlig hilsen ennå fått ble",
    "fi": "ja on ei en että se olen minun mutta kun jos ole oli voisiko kiitos hei terveisin ystävällisin "
    "missä milloin miten ovat vielä tilaus tilaukseni saanut haluaisin",
    "pl": "i w nie na się że jest z do to jak czy mam proszę dziękuję dzień dobry moje moja mój ale od "
    "dla przez po kiedy gdzie jeszcze pozdrawiam witam został była nadal",
    "cs": "a je se na že to jsem v s do ale jak mám prosím děkuji dobrý den můj moje kdy kde ještě "
    "nebo pro by byl bylo zdravím pozdravem nemám už",
    "sk": "a je sa na že to som v s do ale ako mám prosím ďakujem dobrý deň môj moja moje kedy kde ešte "
    "alebo pre by bol bolo pozdravom nemám už",
    "hu": "a az és nem hogy egy van is meg de ez azt még kérem köszönöm jó napot üdvözlettel szeretném "
    "kell lehet mikor hol csak már volt rendelés",
    "ro": "și nu este în la cu pe de un o să că pentru am mulțumesc bună ziua comanda când unde dar mai "
    "fost sunt îmi vă rog mea meu",
    "tr": "ve bir bu için ile de da çok ama değil mi ne nasıl merhaba teşekkürler teşekkür lütfen benim "
    "siparişim zaman nerede var yok olarak henüz iyi günler",
    "id": "yang dan di saya tidak ini untuk dengan dari ke apakah sudah belum bisa anda terima kasih "
    "mohon selamat pesanan kami itu akan ada atau juga",
    "vi": "và của tôi không là có cho được này đã với trong các một chưa xin cảm ơn chào khi hàng đơn vui lòng",
    "et": "ja on ei et ma see kui oma ning aga tere tänan palun minu olen kas veel millal kus tellimus",
    "lv": "un ir ar par es nav no uz ka bet mans mana lūdzu paldies labdien kad kur vēl pasūtījums",
    "lt": "ir yra su aš ne į iš kad bet mano prašau ačiū laba diena kada kur dar užsakymas nuo",
    "sl": "in je da ne na se sem za z v pa ali moj moja prosim hvala pozdravljeni kdaj kje še naročilo lep",
    "hr": "i je da ne na se sam za s u ali moj moja molim hvala poštovani kada gdje još narudžba dobar dan",
    "ca": "el la els les i és que per amb no meu meva però com més gràcies bon dia hola vull tinc quan on "
    "encara del al una he",
}
_LANGUAGES_OF: dict[str, tuple[str, ...]] = {}
for _language, _words in _SMALL_WORDS.items():
    for _word in _words.split():
        _LANGUAGES_OF[_word] = (*_LANGUAGES_OF.get(_word, ()), _language)

_KANA = re.compile(r"[\u3041-\u30fa\u30fc-\u30ff\uff66-\uff9f]")
_NOT_LATIN = re.compile(r"[\u0370-\u1dff\u3000-\uffff]")
_SCRIPTS = (
    ("ko", re.compile(r"[\u1100-\u11ff\uac00-\ud7af]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]{6}")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("el", re.compile(r"[\u0370-\u03ff]{3}")),
    ("ar", re.compile(r"[\u0600-\u06ff]{2}")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
)
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_UKRAINIAN = re.compile(r"[іїєґ]", re.IGNORECASE)
_NO_LETTERS = "0123456789.,;:!?()[]{}<>\"'*_-+=/\\|#~`$%&^"


def detect(text: str) -> str:
    """An ISO 639-1 code, or nothing. Kana means Japanese, whatever else stands there."""
    sample = text[:MAX_TEXT]
    if sample.isascii() or not _NOT_LATIN.search(sample):
        return _latin(sample)
    if _KANA.search(sample):
        return "ja"
    for language, script in _SCRIPTS:
        if script.search(sample):
            return language
    if len(_CYRILLIC.findall(sample)) >= 4:
        return "uk" if _UKRAINIAN.search(sample) else "ru"
    return _latin(sample)


def _latin(text: str) -> str:
    """The language whose small words occur, if it leaves all others well behind."""
    found = [
        word for word in text[:MAX_SAMPLE].lower().split() if "@" not in word and "/" not in word
    ]
    words = [word for word in (one.strip(_NO_LETTERS) for one in found) if word]
    scores: dict[str, float] = {}
    for word in words:
        languages = _LANGUAGES_OF.get(word, ())
        for language in languages:
            scores[language] = scores.get(language, 0.0) + 1 / len(languages)
    ranked = sorted(scores.items(), key=lambda item: -item[1])[:2]
    if not ranked or ranked[0][1] * SPREAD < len(words):
        return ""
    best, second = ranked[0][1], ranked[1][1] if len(ranked) > 1 else 0.0
    return ranked[0][0] if best >= ENOUGH and best >= AHEAD * second else ""
