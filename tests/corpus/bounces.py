"""Delivery reports in the forms that servers give them, with whom they name and for how long."""

from __future__ import annotations

_HEAD = "Return-Path: <>\nTo: support@example.com\nMessage-ID: <b1@mx.example.jp>\nDate: Mon, 5 Jan 2026 10:00:00 +0900\n"
_BACK = "From: support@example.com\nTo: hanako@example.jp\nSubject: Your order\nMessage-ID: <ours-1@example.com>\n\nHello\n"


def report(fields: str, text: str = "Delivery failed.", back: str = _BACK) -> str:
    """A report as RFC 3464 wants it."""
    return (
        "From: MAILER-DAEMON@mx.example.jp\nSubject: Undelivered Mail Returned to Sender\n"
        + _HEAD
        + "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=B\n\n"
        f"--B\nContent-Type: text/plain\n\n{text}\n\n--B\nContent-Type: message/delivery-status\n\n"
        f"Reporting-MTA: dns; mx.example.jp\n\n{fields}\n\n--B\nContent-Type: message/rfc822\n\n{back}\n--B--\n"
    )


def notice(sender: str, subject: str, text: str) -> str:
    """A report in free text."""
    return f"From: {sender}\nSubject: {subject}\n{_HEAD}\n{text}\n"


# name, recipients, permanent, kind, status, the mail
BOUNCES = (
    ("postfix", ("hanako@example.jp",), True, "hard", "5.1.1", report("Final-Recipient: rfc822; hanako@example.jp\nOriginal-Recipient: rfc822;hanako@example.jp\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 <hanako@example.jp>: User unknown")),
    ("full", ("hanako@example.jp",), True, "soft", "5.2.2", report("Final-Recipient: rfc822; hanako@example.jp\nAction: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 Mailbox full")),
    ("delayed", ("hanako@example.jp",), False, "soft", "4.4.1", report("Final-Recipient: rfc822; hanako@example.jp\nAction: delayed\nStatus: 4.4.1\nDiagnostic-Code: smtp; connection timed out")),
    ("two", ("a@example.jp", "b@example.jp"), True, "hard", "5.1.1", report("Final-Recipient: rfc822; a@example.jp\nAction: failed\nStatus: 5.1.1\n\nFinal-Recipient: rfc822; b@example.jp\nAction: failed\nStatus: 5.1.1")),
    ("ses", ("hanako@example.jp",), True, "hard", "5.1.1", report("Action: failed\nFinal-Recipient: rfc822; hanako@example.jp\nDiagnostic-Code: smtp; 550 5.1.1 user unknown\nStatus: 5.1.1")),
    ("exchange", ("hanako@example.jp",), True, "hard", "5.1.10", report("Final-Recipient: rfc822;hanako@example.jp\nAction: failed\nStatus: 5.1.10\nDiagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup")),
    ("remote-knows-better", ("hanako@example.jp",), True, "soft", "5.7.1", report("Final-Recipient: rfc822; hanako@example.jp\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 5.7.1 Message rejected as spam by content filtering")),
    ("dmarc", ("hanako@example.jp",), True, "soft", "5.7.26", report("Final-Recipient: rfc822; hanako@example.jp\nAction: failed\nStatus: 5.7.26\nDiagnostic-Code: smtp; 550 5.7.26 unauthenticated mail is not accepted due to DMARC policy")),
    ("carrier", ("foo..bar@docomo.ne.jp",), True, "hard", "5.0.0", report("Final-Recipient: rfc822; foo..bar@docomo.ne.jp\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 Unknown user foo..bar@docomo.ne.jp")),
    ("no-type", ("hanako@example.jp",), True, "hard", "5.1.1", report("Final-Recipient: <hanako@example.jp>\nAction: failed\nDiagnostic-Code: SMTP; 550 5.1.1 User unknown")),
    ("qmail", ("hanako@example.jp",), True, "hard", "5.1.1", notice("MAILER-DAEMON@mx.example.jp", "failure notice", "Hi. This is the qmail-send program at mx.example.jp.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<hanako@example.jp>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <support@example.com>\n" + _BACK)),
    ("exim", ("hanako@example.jp",), True, "hard", "5.1.1", notice("Mail Delivery System <Mailer-Daemon@mx.example.jp>", "Mail delivery failed: returning message to sender", "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  hanako@example.jp\n    host mx.example.jp [192.0.2.1]\n    SMTP error from remote mail server after RCPT TO:<hanako@example.jp>:\n    550 5.1.1 <hanako@example.jp>: User unknown\n\n------ This is a copy of the message, including all the headers. ------\n\n" + _BACK)),
    ("exim-warning", ("hanako@example.jp",), False, "soft", "", notice("Mail Delivery System <Mailer-Daemon@mx.example.jp>", "Warning: message 1abc delayed 24 hours", "This message was created automatically by mail delivery software.\nA message that you sent has not yet been delivered to one or more of its\nrecipients after more than 24 hours on the queue.\n\nThe address to which the message has not yet been delivered is:\n\n  hanako@example.jp\n\nNo action is required on your part.")),
    ("office365", ("hanako@example.jp",), True, "hard", "5.1.1", notice("postmaster@example.onmicrosoft.com", "Undeliverable: Your order", "Delivery has failed to these recipients or groups:\n\nhanako@example.jp\nThe email address you entered couldn't be found.\n\nDiagnostic information for administrators:\n\nGenerating server: A.prod.outlook.com\n\nhanako@example.jp\nRemote Server returned '550 5.1.1 RESOLVER.ADR.RecipNotFound; not found'\n\nOriginal message headers:\n\nReceived: from a by b\nFrom: support@example.com")),
    ("gmail", ("hanako@example.jp",), True, "hard", "5.1.1", notice("Mail Delivery Subsystem <mailer-daemon@googlemail.com>", "Delivery Status Notification (Failure)\nX-Failed-Recipients: hanako@example.jp", "Delivery to the following recipient failed permanently:\n\n     hanako@example.jp\n\nTechnical details of permanent failure:\nGoogle tried to deliver your message, but it was rejected by the server. The error was:\n550 5.1.1 <hanako@example.jp>... User Unknown\n\n----- Original message -----\n\n" + _BACK)),
    ("yahoo", ("hanako@example.jp",), True, "hard", "", notice("MAILER-DAEMON@yahoo.example", "Failure Notice", "Sorry, we were unable to deliver your message to the following address.\n\n<hanako@example.jp>:\n550: This user doesn't have an account here\n\n--- Below this line is a copy of the message.\n\n" + _BACK)),
    ("ezweb", ("hanako@ezweb.ne.jp",), True, "hard", "", notice("Postmaster@ezweb.ne.jp", "Mail System Error - Returned Mail", "次のあて先へのメッセージはエラーのため送信できませんでした。\n送信先メールアドレスが見つかりません。\n\n    Recipient: <hanako@ezweb.ne.jp>\n    >>> RCPT TO:<hanako@ezweb.ne.jp>\n    <<< 550 <hanako@ezweb.ne.jp>: User unknown")),
    ("softbank", ("hanako@softbank.ne.jp",), True, "hard", "", notice("postmaster@softbank.ne.jp", "Undeliverable Mail", "以下のメールアドレスへの送信に失敗しました。\n\n<hanako@softbank.ne.jp>\n\n550 Invalid recipient: <hanako@softbank.ne.jp>")),
    ("docomo", ("hanako@docomo.ne.jp",), True, "hard", "", notice("mail-daemon@docomo.ne.jp", "メールエラー通知", "あて先に送信できませんでした。\n550 Unknown user hanako@docomo.ne.jp")),
    ("ja-postmaster", ("hanako@example.jp",), True, "soft", "", notice("postmaster@example.jp", "配信エラーのお知らせ", "メールを配信できませんでした。\n\n宛先: hanako@example.jp\n理由: メールボックスの容量を超えています (552 mailbox full)")),
    ("sendmail-old", ("hanako@example.jp",), True, "hard", "", notice("Mail Delivery Subsystem <MAILER-DAEMON@mx.example.jp>", "Returned mail: User unknown", "   ----- Transcript of session follows -----\n550 <hanako@example.jp>... User unknown\n\n   ----- Unsent message follows -----\n" + _BACK)),
    ("domino", ("hanako@example.jp",), True, "hard", "", notice("Postmaster@mx.example.jp", "DELIVERY FAILURE: User hanako (hanako@example.jp) not listed in Domino Directory", "Your message\n\n  Subject: Your order\n\nwas not delivered to:\n\n  hanako@example.jp\n\nbecause:\n\n  User hanako (hanako@example.jp) not listed in Domino Directory")),
    ("footer-address", ("hanako@example.jp",), True, "hard", "", notice("MAILER-DAEMON@mx.example.jp", "Undelivered Mail Returned to Sender", "This is the mail system at host mx.example.jp.\n\nI'm sorry to have to inform you that your message could not be delivered.\nFor further assistance, please send mail to <postmaster@mx.example.jp>.\n\n<hanako@example.jp>: host mx.example.jp[192.0.2.1] said: 550\n    <hanako@example.jp>: User unknown (in reply to RCPT TO command)")),
)  # fmt: skip
_EVENT = '{"notificationType":"%s","mail":{"messageId":"0101","commonHeaders":{"messageId":"<ours-1@example.com>"}},%s}\n\n--\nTo unsubscribe see below.'

# Amazon SES tells by JSON what others tell by RFC 3464.
SES_BOUNCE = notice(
    "AWS Notifications <no-reply@sns.example>",
    "AWS Notification Message",
    _EVENT
    % (
        "Bounce",
        '"bounce":{"bounceType":"Permanent","bouncedRecipients":[{"emailAddress":"hanako@example.jp","action":"failed","status":"5.1.1","diagnosticCode":"smtp; 550 5.1.1 user unknown"}]}',
    ),
).replace("Return-Path: <>\n", "")
SES_DELIVERY = notice(
    "AWS Notifications <no-reply@sns.example>",
    "AWS Notification Message",
    _EVENT % ("Delivery", '"delivery":{"recipients":["hanako@example.jp"]}'),
).replace("Return-Path: <>\n", "")
DELIVERED = report(
    "Final-Recipient: rfc822; hanako@example.jp\nAction: delivered\nStatus: 2.0.0", "Delivered."
)
