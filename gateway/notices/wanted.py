"""What people ask for who have something to tell many: the shapes of what they send to the API."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from gateway.desk.wanted import Wanted

MOST = 10_000  # ids or addresses in one request; by tag there is no limit

Ids = Annotated[list[int], Meta(max_length=MOST)]


class Audience(Wanted, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom a notice is for: everybody whom any of these means, each once."""

    customers: Ids = field(default_factory=list)
    cases: Ids = field(default_factory=list)
    tag: Annotated[str, Meta(max_length=100, description="The customers of all such cases.")] = ""
    addresses: Annotated[
        list[str],
        Meta(
            max_length=MOST,
            description="Of people whom we know: `yuki@example.jp`, `telegram:4711`.",
        ),
    ] = field(default_factory=list)


class Announce(Audience, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A proactive notice; `promotion` needs each recipient's opt-in, `service` is about what they have."""

    kind: Literal["service", "promotion"]
    text: Annotated[
        dict[str, str],
        Meta(max_length=50, description='By language: `{"ja": …, "en": …}`.'),
    ]
    subject: Annotated[dict[str, str], Meta(max_length=50)] = field(default_factory=dict)
    language: Annotated[
        str, Meta(description="Whose text they get who have none of their own; unset: ours.")
    ] = ""
    preview: Annotated[
        bool, Meta(description="Only say what would happen; nobody is told anything.")
    ] = False


class Agreement(Wanted, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether a customer wants promotions, with the evidence: where and how they said so."""

    promotion: bool
    source: Annotated[
        str,
        Meta(min_length=1, max_length=500, description="Such as `shop checkout, 2026-11-20`."),
    ]
