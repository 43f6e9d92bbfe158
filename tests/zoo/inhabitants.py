"""Everybody who lives in the zoo, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tests.zoo import absences, desks, echoes, reports
from tests.zoo.absences import Absence
from tests.zoo.beings import Being

_AWAY: dict[str, type[Absence]] = {
    "en": absences.Forever, "ja": absences.Mute, "de": absences.BySubject, "fr": absences.BySubject,
    "es": absences.Stripped, "it": absences.Exchange, "pt": absences.Polite, "nl": absences.Mute,
    "sv": absences.BySubject, "pl": absences.Old, "ru": absences.BySubject, "zh": absences.Stripped,
    "ko": absences.BySubject, "fi": absences.Shouting, "cs": absences.Polite, "uk": absences.Exchange,
}  # fmt: skip
_KINDS: tuple[type[Being], ...] = (
    reports.Bounce, reports.RealPathBounce, reports.Delayed, reports.Qmail, reports.ExchangeNdr,
    reports.PoliteBounce, reports.BounceOfBounce, reports.ReadReceipt, reports.Calendar,
    reports.Complaint, reports.Greylisted, reports.Challenge,
    desks.TicketDesk, desks.QuotingDesk, desks.ThreadingDesk, desks.TerseDesk, desks.MarkedDesk,
    desks.SuppressingDesk, desks.LoopMarkingDesk, desks.PreventingDesk, desks.XLoop, desks.PlainDesk,
    desks.NoReplyBox, desks.Social, desks.Survey, desks.OrderRobot,
    echoes.Mirror, echoes.NewFaces, echoes.NewDomains, echoes.SameWords, echoes.Quoter, echoes.Tags,
    echoes.Capitals, echoes.InThread, echoes.EchoServer, echoes.Forwarder, echoes.Resender,
    echoes.ForwarderAsItself, echoes.Alias, echoes.List, echoes.BareList, echoes.KeepingList,
    echoes.ReplyElsewhere, echoes.SpamBot, echoes.Chatterbox,
)  # fmt: skip

Make = Callable[..., Being]
ZOO: dict[str, Make] = {
    f"{kind.__name__} {language}": partial(kind, language=language)
    for language, kind in _AWAY.items()
} | {kind.__name__: kind for kind in _KINDS}
