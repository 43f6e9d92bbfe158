"""What the customer wrote this time: labels over the whole text, line by line, nothing ever cut.

One pass from the top: each line is new, quoted, an attribution, a signature, a disclaimer or
forwarded. `reply_text` is a view of these labels, and shows more where they are in doubt: text
below an attribution that quotes nothing, and quotations that nobody is named for, stay visible.
"""

from __future__ import annotations

from itertools import accumulate, pairwise

from normalizer.email import attribution, signature
from normalizer.message import Label, Span

# Beyond this nobody writes by hand; the rest keeps the label that the last line has.
MAX_LINES = 5000
MAX_LENGTH = 1000
MAX_DELIMITERS = 20
# A quotation of so few lines may be what the customer chose to cite.
SHORT = 5
_TAILS = (">", "wrote", "-", "écrit")
_ENDS = (":", "：", *_TAILS)
_ASKING = ("?", "？", "か。", "ください。", "please.")
_DRAWN = "-_*=—–+#~━─◆■□☆★~＝～"
_FIRSTS = ">" + _DRAWN
_SHOWN = frozenset({"new", "inline-answer"})
# White space, and the marks that turn the direction of writing.
_BLANKS = " \t\r\xa0\u3000\ufeff\u200b\u2060\u200e\u200f\u202a\u202b\u202c\u202d\u202e"


def label(text: str, *, forwarded: bool) -> tuple[Span, ...]:
    """Spans that cover the text; `forwarded` says that the subject announces a passed-on mail."""
    if not text:
        return ()
    lines = text.split("\n", MAX_LINES)
    scan = _Scan(lines[:MAX_LINES], "forwarded" if forwarded else "quote")
    scan.disclaims = signature.may_disclaim(text)
    labels = scan.run()
    return _spans(lines, labels) if scan.marked else (Span(0, len(text), "new"),)


def new_text(text: str, spans: tuple[Span, ...]) -> str:
    """The new text and the answers between quotations; all that was forwarded when there is none."""
    shown = "".join(text[s.start : s.end] for s in spans if s.label in _SHOWN).strip(_BLANKS + "\n")
    if shown or not any(span.label == "forwarded" for span in spans):
        return shown
    return "".join(text[s.start : s.end] for s in spans if s.label == "forwarded").strip()


def _spans(lines: list[str], labels: list[Label]) -> tuple[Span, ...]:
    starts = [0, *accumulate([len(line) + 1 for line in lines])]
    end = starts[-1] - 1
    edges = [i for i, (above, here) in enumerate(pairwise(labels), 1) if above != here]
    cuts = [0, *edges, len(labels)]
    spans = [Span(starts[a], min(starts[b], end), labels[a]) for a, b in pairwise(cuts)]
    spans[-1] = spans[-1]._replace(end=end)
    return tuple(span for span in spans if span.end > span.start)


def _near_colons(plain: list[str]) -> bytearray:
    """The lines that may begin an attribution or a copied header; all others cost nothing."""
    near = bytearray(len(plain))
    for index, line in enumerate(plain):
        if ":" not in line and "：" not in line and not line.endswith(_TAILS):
            continue
        if line.endswith(_ENDS):
            first = max(0, index - attribution.MAX_JOINED + 1)
            near[first : index + 1] = b"\1" * (index + 1 - first)
        elif ":" in line[:40] or "：" in line[:40]:
            near[index] = 1
    return near


class _Scan:
    """The labels of all lines; `block` is how a copied mail below a header block is called."""

    def __init__(self, lines: list[str], block: Label) -> None:
        self.lines = lines
        self.plain = [line.strip(_BLANKS)[:MAX_LENGTH] for line in lines]
        self.labels: list[Label] = ["new"] * len(lines)
        self.block = block
        self.near = _near_colons(self.plain)
        self.disclaims = False
        self.marked = False
        self.delimiters = 0
        self.named = -1
        self.unnamed: list[tuple[int, int]] = []

    def run(self) -> list[Label]:
        """Lines inside a paragraph, far from any colon, are new text and are not looked at."""
        done = 0
        above = ""
        for index, line in enumerate(self.plain):
            if not line or index < done:
                above = line
                continue
            begins = not above and (self.disclaims or signature.is_mobile(line))
            if begins or self.near[index] or line[0] in _FIRSTS:
                done = self._step(index)
            above = line
        self._last_line()
        if self.marked:
            self._settle()
        return self.labels

    def _last_line(self) -> None:
        """Below the last new words a mobile signature needs no empty line above it."""
        last = self._last("new")
        while last > 0 and signature.is_sent_from(self.plain[last]):
            self._mark(last, last + 1, "signature")
            last = self._last("new")

    def _step(self, index: int) -> int:
        """Label one line or one region; where to go on."""
        first = self.plain[index][0]
        if first == ">":
            return self._quote(index)
        if first in _DRAWN:
            end = self._drawn(index)
            if end:
                return end
        if self.near[index]:
            end = self._attributed(index)
            if end:
                return end
        return self._appended(index)

    def _drawn(self, index: int) -> int:
        """Signature delimiters, separators and rules above a copied header."""
        plain = self.plain[index]
        if signature.is_delimiter(plain) and self.delimiters < MAX_DELIMITERS:
            self.delimiters += 1
            return self._mark_signature(index)
        if signature.is_list_footer(self.plain, index):
            return self._mark(index, len(self.lines), "signature")
        kind = attribution.separator(plain)
        if kind:
            return self._mark(
                index, len(self.lines), "forwarded" if kind == "forwarded" else self.block
            )
        if attribution.is_rule(plain):
            below = self._next(index + 1)
            if below < len(self.lines) and attribution.header_block(self.plain, below):
                return self._mark(index, len(self.lines), self.block)
        if signature.is_box(self.plain, index):
            return self._mark(index, len(self.lines), "signature")
        return 0

    def _attributed(self, index: int) -> int:
        """An attribution or a copied header, with what it stands above."""
        kind = attribution.separator(self.plain[index])
        if kind:
            return self._mark(
                index, len(self.lines), "forwarded" if kind == "forwarded" else self.block
            )
        if attribution.header_block(self.plain, index):
            return self._mark(index, len(self.lines), self.block)
        count = attribution.length(self.plain, index, quoted_next=self._quoted_soon(index))
        if not count:
            return 0
        below = self._next(index + count)
        if below < len(self.lines) and self.plain[below].startswith(">"):
            self._mark(index, below, "attribution")
            return self._quote(below, attributed=True)
        if below < len(self.lines) and not any(self.plain[:index]):
            # Nothing stands above and nothing is marked as quoted: what follows is the answer.
            return self._mark(index, below, "attribution")
        self._mark(index, index + count, "attribution")
        return self._mark(index + count, len(self.lines), "quote")

    def _quoted_soon(self, index: int) -> bool:
        """Whether a marked quotation begins within the lines of an attribution or just below."""
        return any(line.startswith(">") for line in self.plain[index + 1 : index + 4])

    def _quote(self, index: int, *, attributed: bool = False) -> int:
        """A run of marked lines with the soft-wrapped ends that lost their mark."""
        end = index
        while end < len(self.lines):
            if self.plain[end].startswith(">") or (end > index and self._wrapped(end)):
                end += 1
                continue
            below = self._next(end)
            if below == end or below >= len(self.lines) or not self.plain[below].startswith(">"):
                break
            end = below
        attributed = attributed or self._names_somebody(index)
        kind: Label = "quote"
        if not attributed and any(
            line.strip("> \t").lower().startswith("begin forwarded")
            for line in self.plain[index : index + 3]
        ):
            kind = "forwarded"
        if not attributed and kind == "quote" and self.named < 0:
            self.unnamed.append((index, end))
        elif self.named < 0:
            self.named = index
        return self._mark(index, end, kind)

    def _names_somebody(self, index: int) -> bool:
        """An attribution or a copied header inside the marks, as Apple's programs write it."""
        inside = [line.lstrip("> \t") for line in self.plain[index : index + 8]]
        return any(
            attribution.length(inside, i, quoted_next=True) or attribution.header_block(inside, i)
            for i in range(min(3, len(inside)))
            if inside[i]
        )

    def _wrapped(self, index: int) -> bool:
        """A line between two quoted ones that was wrapped off the first: it is no answer."""
        line, above = self.plain[index], self.plain[index - 1]
        below = self.plain[index + 1] if index + 1 < len(self.plain) else ""
        if not line or not above.startswith(">") or not below.startswith(">"):
            return False
        unclosed = above.count("(") > above.count(")") or above.count("<") > above.count(">") - 1
        return len(above) >= 60 or unclosed or line.endswith(">")

    def _appended(self, index: int) -> int:
        """What a program or a company put below: mobile signatures, disclaimers."""
        if index and self.plain[index - 1]:
            return index + 1
        end = index
        while end < len(self.plain) and signature.is_mobile(self.plain[end]):
            end += 1
        if end > index:
            return self._mark(index, end, "signature")
        if self.disclaims and signature.is_disclaimer(self.plain[index]):
            return self._mark(index, self._end_of_paragraph(index), "disclaimer")
        return index + 1

    def _end_of_paragraph(self, index: int) -> int:
        while index < len(self.lines) and self.plain[index]:
            index += 1
        return index

    def _mark_signature(self, index: int) -> int:
        """From the delimiter to the next quotation or the end, if it is no longer than a signature."""
        end = index + 1
        written = 0
        proper = self.lines[index].rstrip("\r").endswith("-- ")
        most = signature.MAX_SIGNATURE if proper else signature.MAX_LOOSE
        while end < len(self.lines):
            plain = self.plain[end]
            if plain.startswith(">") or (plain and self._attribution_at(end)):
                break
            written += bool(plain)
            if written > most or (not proper and plain.endswith(_ASKING)):
                return index + 1
            end += 1
        return self._mark(index, end, "signature")

    def _attribution_at(self, index: int) -> bool:
        plain = self.plain[index]
        return bool(
            attribution.separator(plain)
            or attribution.header_block(self.plain, index)
            or attribution.length(self.plain, index, quoted_next=self._quoted_soon(index))
        )

    def _mark(self, start: int, end: int, kind: Label) -> int:
        self.labels[start:end] = [kind] * (end - start)
        self.marked = True
        return end

    def _next(self, index: int) -> int:
        """The next line that is not blank."""
        while index < len(self.lines) and not self.plain[index]:
            index += 1
        return index

    def _settle(self) -> None:
        """Short quotations that nobody is named for stay with the text that answers them."""
        last_new = self._last("new")
        last_quote = self._last("quote")
        for start, end in self.unnamed:
            if end <= last_new and end - start <= SHORT:
                self._mark(start, end, "new")
        if self.named >= 0:
            for index in range(self.named, last_quote):
                if self.plain[index] and self.labels[index] == "new":
                    self.labels[index] = "inline-answer"
        for index in range(1, len(self.labels)):
            if not self.plain[index]:
                self.labels[index] = self.labels[index - 1]

    def _last(self, kind: Label) -> int:
        """The last line with text of that kind; -1 when there is none."""
        lines = range(len(self.labels) - 1, -1, -1)
        return next((i for i in lines if self.labels[i] == kind and self.plain[i]), -1)
