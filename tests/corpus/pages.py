"""Replies that come as HTML only: where each web client puts the mail that it answers."""

from __future__ import annotations

NEW = "The number is 4711."
_OLD = "<p>Dear customer,</p><p>please send us the order number.</p>"

# name, the page
PAGES = (
    ("gmail", f'<div dir="ltr">{NEW}</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">On Mon, Jan 5, 2026 at 9:12 AM Support &lt;<a href="mailto:support@example.com">support@example.com</a>&gt; wrote:<br></div><blockquote class="gmail_quote" style="margin:0 0 0 .8ex">{_OLD}</blockquote></div>'),
    ("gmail-ja", f'<div dir="ltr">{NEW}</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">2026年1月5日(月) 9:12 サポート &lt;<a href="mailto:support@example.com">support@example.com</a>&gt;:<br></div><blockquote class="gmail_quote">{_OLD}</blockquote></div>'),
    ("outlook", f'<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><style>p.MsoNormal {{margin:0}}</style></head><body lang="EN-US"><div class="WordSection1"><p class="MsoNormal">{NEW}<o:p></o:p></p><p class="MsoNormal"><o:p>&nbsp;</o:p></p><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in"><p class="MsoNormal"><b>From:</b> Support &lt;support@example.com&gt;<br><b>Sent:</b> Monday, January 5, 2026 9:12 AM<br><b>To:</b> Hanna<br><b>Subject:</b> Your order<o:p></o:p></p></div>{_OLD}</div></body></html>'),
    ("outlook-ja", f'<html><body><p>{NEW}</p><div style="border-top:solid #B5C4DF 1.0pt"><p><b>差出人:</b> サポート &lt;support@example.com&gt;<br><b>送信日時:</b> 2026年1月5日 9:12<br><b>宛先:</b> Hanna<br><b>件名:</b> 注文</p></div>{_OLD}</body></html>'),
    ("outlook-web", f'<html><body><div class="elementToProof">{NEW}</div><hr style="display:inline-block;width:98%" tabindex="-1"><div id="divRplyFwdMsg" dir="ltr"><font face="Calibri"><b>From:</b> Support &lt;support@example.com&gt;<br><b>Sent:</b> Monday, January 5, 2026 9:12 AM<br><b>To:</b> Hanna &lt;hanna@example.de&gt;<br><b>Subject:</b> Your order</font><div>&nbsp;</div></div><div>{_OLD}</div></body></html>'),
    ("apple", f'<html><body>{NEW}<br><div><br><blockquote type="cite"><div>On Jan 5, 2026, at 9:12 AM, Support &lt;support@example.com&gt; wrote:</div><br class="Apple-interchange-newline"><div>{_OLD}</div></blockquote></div><br></body></html>'),
    ("iphone", f'<html><body dir="auto">{NEW}<br><div dir="ltr">Sent from my iPhone</div><div dir="ltr"><br><blockquote type="cite">On Jan 5, 2026, at 9:12 AM, Support &lt;support@example.com&gt; wrote:<br><br></blockquote></div><blockquote type="cite"><div dir="ltr">{_OLD}</div></blockquote></body></html>'),
    ("yahoo", f'<html><body><div class="ydp1"><div>{NEW}</div><div><br></div></div><div id="ydp2yahoo_quoted" class="yahoo_quoted"><div><div>On Monday, January 5, 2026 at 09:12:33 AM GMT+1, Support &lt;support@example.com&gt; wrote: </div><div><br></div><div>{_OLD}</div></div></div></body></html>'),
    ("thunderbird", f'<html><body><p>{NEW}</p><div class="moz-cite-prefix">On 05.01.26 09:12, Support wrote:<br></div><blockquote type="cite" cite="mid:a@b">{_OLD}</blockquote></body></html>'),
    ("table-layout", f"<table><tr><td>{NEW}</td></tr></table><div>On Mon, Jan 5, 2026 at 9:12 AM Support &lt;support@example.com&gt; wrote:</div><blockquote>{_OLD}</blockquote>"),
)  # fmt: skip
