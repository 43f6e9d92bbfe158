"""Replies in Western languages and others, by mail program."""

from __future__ import annotations

_Q = "> Dear customer,\n>\n> please send us the order number.\n>\n> Kind regards\n> Support"
_B = "Dear customer,\n\nplease send us the order number.\n\nKind regards\nSupport"
_A = "Support Team <support@example.com>"


def _block(
    sender: str, sent: str, to: str, subject: str, when: str = "Monday, January 5, 2026 9:12 AM"
) -> str:
    return f"{sender}: {_A}\n{sent}: {when}\n{to}: Hanna <hanna@example.de>\n{subject}: Your order\n\n{_B}"


# name, mail program, the customer's words, what stands below them
REPLIES = (
    ("gmail-en", "gmail", "The number is 4711.\n\nThanks,\nHanna", f"On Mon, Jan 5, 2026 at 9:12 AM {_A} wrote:\n\n{_Q}"),
    ("gmail-en-folded", "gmail", "The number is 4711.", f"On Mon, Jan 5, 2026 at 9:12 AM Support Team of the Example Company <\nsupport@example.com> wrote:\n\n{_Q}"),
    ("gmail-en-24h", "gmail", "The number is 4711.", f"On Mon, 5 Jan 2026 at 09:12, {_A} wrote:\n\n{_Q}"),
    ("gmail-de", "gmail", "Die Nummer lautet 4711.\n\nViele Grüße\nHanna", f"Am Mo., 5. Jan. 2026 um 09:12 Uhr schrieb {_A}:\n\n{_Q}"),
    ("gmail-fr", "gmail", "Le numéro est 4711.", f"Le lun. 5 janv. 2026 à 09:12, {_A} a écrit :\n\n{_Q}"),
    ("gmail-es", "gmail", "El número es 4711.", f"El lun, 5 ene 2026 a las 9:12, Support Team (<support@example.com>) escribió:\n\n{_Q}"),
    ("gmail-it", "gmail", "Il numero è 4711.", f"Il giorno lun 5 gen 2026 alle ore 09:12 {_A} ha scritto:\n\n{_Q}"),
    ("gmail-pt", "gmail", "O número é 4711.", f"Em seg., 5 de jan. de 2026 às 09:12, {_A} escreveu:\n\n{_Q}"),
    ("gmail-pt-pt", "gmail", "O número é 4711.", f"{_A} escreveu no dia segunda, 5/01/2026 à(s) 09:12:\n\n{_Q}"),
    ("gmail-nl", "gmail", "Het nummer is 4711.", f"Op ma 5 jan 2026 om 09:12 schreef {_A}:\n\n{_Q}"),
    ("gmail-sv", "gmail", "Numret är 4711.", f"Den mån 5 jan. 2026 kl 09:12 skrev {_A}:\n\n{_Q}"),
    ("gmail-da", "gmail", "Nummeret er 4711.", f"Den man. 5. jan. 2026 kl. 09.12 skrev {_A}:\n\n{_Q}"),
    ("gmail-no", "gmail", "Nummeret er 4711.", f"man. 5. jan. 2026 kl. 09:12 skrev {_A}:\n\n{_Q}"),
    ("gmail-fi", "gmail", "Numero on 4711.", f"ma 5. tammik. 2026 klo 9.12 {_A} kirjoitti:\n\n{_Q}"),
    ("gmail-pl", "gmail", "Numer to 4711.", f"pon., 5 sty 2026 o 09:12 {_A} napisał(a):\n\n{_Q}"),
    ("gmail-cs", "gmail", "Číslo je 4711.", f"po 5. 1. 2026 v 9:12 odesílatel {_A} napsal:\n\n{_Q}"),
    ("gmail-sk", "gmail", "Číslo je 4711.", f"po 5. 1. 2026 o 9:12 {_A} napísal(a):\n\n{_Q}"),
    ("gmail-hu", "gmail", "A szám 4711.", f"{_A} ezt írta (időpont: 2026. jan. 5., H, 9:12):\n\n{_Q}"),
    ("gmail-ro", "gmail", "Numărul este 4711.", f"În lun., 5 ian. 2026 la 09:12, {_A} a scris:\n\n{_Q}"),
    ("gmail-tr", "gmail", "Numara 4711.", f"{_A}, 5 Oca 2026 Pzt, 09:12 tarihinde şunu yazdı:\n\n{_Q}"),
    ("gmail-ru", "gmail", "Номер 4711.", f"пн, 5 янв. 2026 г. в 09:12, {_A}:\n\n{_Q}"),
    ("gmail-uk", "gmail", "Номер 4711.", f"пн, 5 січ. 2026 р. о 09:12 {_A} пише:\n\n{_Q}"),
    ("gmail-zh", "gmail", "订单号是4711。", f"{_A} 于2026年1月5日周一 09:12写道：\n\n{_Q}"),
    ("gmail-zh-tw", "gmail", "訂單編號是4711。", f"{_A} 於 2026年1月5日 週一 上午9:12寫道：\n\n{_Q}"),
    ("gmail-ko", "gmail", "주문번호는 4711입니다.", f"2026년 1월 5일 (월) 오전 9:12, {_A}님이 작성:\n\n{_Q}"),
    ("gmail-vi", "gmail", "Số đơn hàng là 4711.", f"Vào Th 2, 5 thg 1, 2026 vào lúc 09:12 {_A} đã viết:\n\n{_Q}"),
    ("gmail-id", "gmail", "Nomornya 4711.", f"Pada Sen, 5 Jan 2026 pukul 09.12 {_A} menulis:\n\n{_Q}"),
    ("outlook-en", "outlook-west", "The number is 4711.", _block("From", "Sent", "To", "Subject")),
    ("outlook-de", "outlook-west", "Die Nummer lautet 4711.", _block("Von", "Gesendet", "An", "Betreff", "Montag, 5. Januar 2026 09:12")),
    ("outlook-fr", "outlook-west", "Le numéro est 4711.", _block("De", "Envoyé", "À", "Objet", "lundi 5 janvier 2026 09:12")),
    ("outlook-fr-space", "outlook-west", "Le numéro est 4711.", _block("De ", "Envoyé ", "À ", "Objet ", "lundi 5 janvier 2026 09:12")),
    ("outlook-es", "outlook-west", "El número es 4711.", _block("De", "Enviado el", "Para", "Asunto", "lunes, 5 de enero de 2026 9:12")),
    ("outlook-it", "outlook-west", "Il numero è 4711.", _block("Da", "Inviato", "A", "Oggetto", "lunedì 5 gennaio 2026 09:12")),
    ("outlook-pt", "outlook-west", "O número é 4711.", _block("De", "Enviada em", "Para", "Assunto", "segunda-feira, 5 de janeiro de 2026 09:12")),
    ("outlook-nl", "outlook-west", "Het nummer is 4711.", _block("Van", "Verzonden", "Aan", "Onderwerp", "maandag 5 januari 2026 09:12")),
    ("outlook-sv", "outlook-west", "Numret är 4711.", _block("Från", "Skickat", "Till", "Ämne", "den 5 januari 2026 09:12")),
    ("outlook-da", "outlook-west", "Nummeret er 4711.", _block("Fra", "Sendt", "Til", "Emne", "5. januar 2026 09:12")),
    ("outlook-fi", "outlook-west", "Numero on 4711.", _block("Lähettäjä", "Lähetetty", "Vastaanottaja", "Aihe", "maanantai 5. tammikuuta 2026 9.12")),
    ("outlook-pl", "gmail", "Numer to 4711.", _block("Od", "Wysłano", "Do", "Temat", "poniedziałek, 5 stycznia 2026 09:12")),
    ("outlook-cs", "gmail", "Číslo je 4711.", _block("Od", "Odesláno", "Komu", "Předmět", "pondělí 5. ledna 2026 9:12")),
    ("outlook-ru", "gmail", "Номер 4711.", _block("От", "Отправлено", "Кому", "Тема", "5 января 2026 г. 9:12")),
    ("outlook-tr", "gmail", "Numara 4711.", _block("Kimden", "Gönderildi", "Kime", "Konu", "5 Ocak 2026 Pazartesi 09:12")),
    ("outlook-zh", "gmail", "订单号是4711。", _block("发件人", "发送时间", "收件人", "主题", "2026年1月5日 9:12")),
    ("outlook-ko", "gmail", "주문번호는 4711입니다.", _block("보낸 사람", "보낸 날짜", "받는 사람", "제목", "2026년 1월 5일 월요일 오전 9:12")),
    ("outlook-original-en", "outlook-west", "The number is 4711.", "-----Original Message-----\n" + _block("From", "Sent", "To", "Subject")),
    ("outlook-original-de", "outlook-west", "Die Nummer lautet 4711.", "-----Ursprüngliche Nachricht-----\n" + _block("Von", "Gesendet", "An", "Betreff", "Montag, 5. Januar 2026 09:12")),
    ("outlook-original-it", "outlook-west", "Il numero è 4711.", "-----Messaggio originale-----\n" + _block("Da", "Inviato", "A", "Oggetto")),
    ("outlook-original-es", "outlook-west", "El número es 4711.", "-----Mensaje original-----\n" + _block("De", "Enviado el", "Para", "Asunto")),
    ("outlook-original-nl", "outlook-west", "Het nummer is 4711.", "-----Oorspronkelijk bericht-----\n" + _block("Van", "Verzonden", "Aan", "Onderwerp")),
    ("outlook-rule", "outlook-mobile", "The number is 4711.", "________________________________\n" + _block("From", "Sent", "To", "Subject")),
    ("outlook-ios", "outlook-mobile", "The number is 4711.", "Get Outlook for iOS<https://aka.ms/o0ukef>\n________________________________\n" + _block("From", "Sent", "To", "Subject")),
    ("outlook-android-de", "outlook-mobile", "Die Nummer lautet 4711.", "Outlook für Android herunterladen\n________________________________\n" + _block("Von", "Gesendet", "An", "Betreff", "Montag, 5. Januar 2026 09:12")),
    ("iphone-en", "iphone", "The number is 4711.", f"Sent from my iPhone\n\n> On Jan 5, 2026, at 9:12 AM, {_A} wrote:\n> \n{_Q}"),
    ("iphone-de", "iphone", "Die Nummer lautet 4711.", f"Von meinem iPhone gesendet\n\n> Am 05.01.2026 um 09:12 schrieb {_A}:\n> \n{_Q}"),
    ("iphone-fr", "iphone", "Le numéro est 4711.", f"Envoyé de mon iPhone\n\n> Le 5 janv. 2026 à 09:12, {_A} a écrit :\n> \n{_Q}"),
    ("iphone-es", "iphone", "El número es 4711.", f"Enviado desde mi iPhone\n\n> El 5 ene 2026, a las 9:12, {_A} escribió:\n> \n{_Q}"),
    ("iphone-it", "iphone", "Il numero è 4711.", f"Inviato da iPhone\n\n> Il giorno 5 gen 2026, alle ore 09:12, {_A} ha scritto:\n> \n{_Q}"),
    ("iphone-nl", "iphone", "Het nummer is 4711.", f"Verstuurd vanaf mijn iPhone\n\n> Op 5 jan 2026 om 09:12 heeft {_A} het volgende geschreven:\n> \n{_Q}"),
    ("apple-nl", "apple", "Het nummer is 4711.", f"> Op 5 jan. 2026, om 09:12 heeft {_A} het volgende geschreven:\n> \n{_Q}"),
    ("thunderbird-en", "thunderbird", "The number is 4711.", f"On 05.01.26 09:12, Support Team wrote:\n{_Q}"),
    ("thunderbird-de", "thunderbird", "Die Nummer lautet 4711.", f"Am 05.01.26 um 09:12 schrieb Support Team:\n{_Q}"),
    ("thunderbird-fr", "thunderbird", "Le numéro est 4711.", f"Le 05/01/2026 à 09:12, Support Team a écrit :\n{_Q}"),
    ("thunderbird-es", "thunderbird", "El número es 4711.", f"El 05/01/2026 a las 9:12, Support Team escribió:\n{_Q}"),
    ("thunderbird-it", "thunderbird", "Il numero è 4711.", f"Il 05/01/2026 09:12, Support Team ha scritto:\n{_Q}"),
    ("thunderbird-ru", "thunderbird", "Номер 4711.", f"05.01.2026 09:12, Support Team пишет:\n{_Q}"),
    ("thunderbird-cs", "thunderbird", "Číslo je 4711.", f"Dne 05. 01. 26 v 9:12 Support Team napsal(a):\n{_Q}"),
    ("yahoo-en", "yahoo", "The number is 4711.", f"    On Monday, January 5, 2026 at 09:12:33 AM GMT+1, {_A} wrote:  \n \n {_B}"),
    ("yahoo-android", "yahoo", "The number is 4711.", f"Sent from Yahoo Mail on Android \n \n  On Mon, 5 Jan 2026 at 9:12 am, {_A}<support@example.com> wrote:   {_B}"),
    ("samsung-en", "samsung", "The number is 4711.", "Sent from my Galaxy\n\n\n-------- Original message --------\nFrom: " + _A + "\nDate: 05/01/2026 09:12 (GMT+01:00)\nTo: hanna@example.de\nSubject: Your order\n\n" + _B),
    ("samsung-de", "samsung", "Die Nummer lautet 4711.", "Von meinem Samsung Galaxy-Smartphone gesendet.\n\n\n-------- Ursprüngliche Nachricht --------\nVon: " + _A + "\nDatum: 05.01.26 09:12 (GMT+01:00)\nAn: hanna@example.de\nBetreff: Ihre Bestellung\n\n" + _B),
    ("gmx-de", "web", "Die Nummer lautet 4711.", f"-- \nDiese Nachricht wurde von meinem Android Mobiltelefon mit GMX Mail gesendet.\nAm 05.01.26, 09:12, {_A} schrieb:\n\n{_Q}"),
    ("web-de", "web", "Die Nummer lautet 4711.", 'Gesendet: Montag, 05. Januar 2026 um 09:12 Uhr\nVon: "Support Team" <support@example.com>\nAn: hanna@example.de\nBetreff: Ihre Bestellung\n\n' + _B),
    ("zimbra-fr", "zimbra", "Le numéro est 4711.", '----- Mail original -----\nDe: "Support Team" <support@example.com>\nÀ: hanna@example.fr\nEnvoyé: Lundi 5 Janvier 2026 09:12:33\nObjet: Votre commande\n\n' + _B),
    ("proton", "web", "The number is 4711.", f"Sent with Proton Mail secure email.\n\nOn Monday, January 5th, 2026 at 9:12 AM, {_A} wrote:\n\n{_Q}"),
    ("mail-ru", "web", "Номер 4711.", f">Понедельник, 5 января 2026, 9:12 +03:00 от {_A}:\n>\n{_Q}"),
    ("yandex", "web", "Номер 4711.", f'05.01.2026, 09:12, "Support Team" <support@example.com>:\n\n{_Q}'),
    ("helpdesk-line", "web", "The number is 4711.", f"##- Please type your reply above this line -##\n\n{_B}"),
    ("signature-en", "thunderbird", "The number is 4711.", f"-- \nHanna Muster\nExample GmbH\n+49 30 000000\n\nOn 05.01.26 09:12, Support Team wrote:\n{_Q}"),
    ("disclaimer-en", "outlook-west", "The number is 4711.", "This e-mail and any attachments are confidential and intended solely for the addressee. If you are not the\nintended recipient please delete it."),
    ("disclaimer-de", "outlook-west", "Die Nummer lautet 4711.", "Diese E-Mail enthält vertrauliche Informationen. Wenn Sie nicht der richtige Adressat sind, löschen Sie sie bitte."),
    ("list-footer", "gmail", "The number is 4711.", "_______________________________________________\nusers mailing list\nusers@lists.example.org\nhttps://lists.example.org/listinfo/users"),
    ("forwarded-en", "gmail", "Please see below.", f"---------- Forwarded message ---------\nFrom: {_A}\nDate: Mon, Jan 5, 2026 at 9:12 AM\nSubject: Your order\nTo: <hanna@example.de>\n\n{_B}"),
    ("forwarded-apple", "apple", "Please see below.", f"Begin forwarded message:\n\nFrom: {_A}\nSubject: Your order\nDate: January 5, 2026 at 9:12:33 AM GMT+1\nTo: hanna@example.de\n\n{_B}"),
)  # fmt: skip

# The customer's own words in unusual places; nothing of them may be lost.
KEPT = (
    ("on-no-attribution", "On the other hand I would like to keep it.\nOn Monday: call me.\nOn arrival the box was open."),
    ("travel", "I booked this trip:\n\nFrom: Tokyo\nTo: Osaka\nDate: 5 January 2026\n\nCan I change it?"),
    ("contact-form", "A visitor wrote:\n\nName: Hanna Muster\nEmail: hanna@example.de\nSubject: Broken cup\nMessage: The cup is broken."),
    ("form-ja", "以下の内容でお問い合わせがありました。\n\nお名前: 山田花子\nメールアドレス: hanako@example.jp\n件名: 破損について\n内容: カップが割れていました。"),
    ("dashes", "My list\n-------\n\n1. cup\n\n-------\n\nand one spoon"),
    ("double-dash", "It came broken -- all of it.\n-- really all --\nPlease help."),
    ("colon-at-end", "Please answer these:\n\n1. When?\n2. Where?\n\nBest:\nHanna"),
    ("wrote-in-sentence", "In your mail of 2026-01-05 you wrote that it is free.\nIs it?"),
    ("wrote-with-colon", "Your colleague wrote:\n\nit is free\n\nIs it?"),
    ("short-citation", "> is it the blue one?\n\nYes, the blue one."),
    ("sent-from-my", "Sent from my old address by mistake, that parcel is lost.\n\nCan you help?"),
    ("dashes-between", "First, the cup is broken.\n--\nSecond, where is the spoon?"),
    ("dashes-between-ja", "1点目、カップが割れています。\n--\n2点目、スプーンはどこですか。"),
    ("sent-from-place", "It was sent from Osaka last week and is still not here."),
    ("shell", "I typed\n\n$ ls -l > out.txt\n\nand nothing happened."),
    ("time-and-colon", "Available times:\n2026-01-06 10:00:\nfine\n2026-01-07 11:00:\nfine"),
    ("price-table", "Item: price\nCup: 5\nSpoon: 3"),
    ("subject-line-only", "Subject: what I mean\nis the blue cup."),
    ("regards-in-middle", "With regards to the invoice:\nit is wrong."),
    ("underscores", "Name: __________\nplease fill it in for me"),
    ("japanese-headings", "■ご質問\n配送について\n\n■内容\n届きません。"),
    ("japanese-date", "2026年1月5日 10:00 に届く予定でしたが、届いていません。\n確認をお願いします："),
    ("quoted-price", "The shop says:\n> 20 EUR\nbut I paid 30."),
)  # fmt: skip

# Answers between quotations: each is shown, no quotation is.
_AT = "On Mon, Jan 5, 2026 at 9:12 AM Support Team <support@example.com> wrote:"
INLINE = (
    ("en", f"{_AT}\n\n> Which colour?\n\nBlue.\n\n> Which size?\n\nSmall, please.\n", ("Blue.", "Small, please."), ("colour", "size")),
    ("tight", f"{_AT}\n> Which colour?\nBlue.\n> Which size?\nSmall.\n", ("Blue.", "Small."), ("colour", "size")),
    ("intro", f"My answers are below.\n\n{_AT}\n> Which colour?\nBlue.\n", ("answers", "Blue."), ("colour",)),
    ("ja", "2026年1月5日(月) 9:12 サポート <support@example.com>:\n\n> ご希望の色は?\n\n青です。\n\n> サイズは?\n\nSです。\n", ("青です。", "Sです。"), ("ご希望", "サイズ")),
    ("bottom", f"{_AT}\n> Which colour?\n>\n> Which size?\n\nBlue and small.\n\nHanna\n", ("Blue and small.", "Hanna"), ("colour",)),
    ("bottom-de", "Am 05.01.26 um 09:12 schrieb Support Team:\n> Welche Farbe?\n\nBlau.\n", ("Blau.",), ("Farbe",)),
)  # fmt: skip
