"""Customers: who is one person and what says so, joined and taken apart by people."""

from __future__ import annotations

from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec.structs import replace

from gateway.api.parameters import Id
from gateway.api.problems import documented
from gateway.api.reads import Reads
from gateway.api.speaking import Key
from gateway.api.writes import Asked, Writes
from gateway.desk.speak import TELEPHONE
from gateway.desk.wanted import Merge, Named, Split, Undo, Wanted
from gateway.links import acts
from gateway.outgoing.letter import kind_of
from store import customers, persons

_ERASING = 120.0  # seconds: it looks through all messages for those to and from somebody


@get(
    "/customers/{customer:int}",
    summary="Read a customer",
    tags=["customers"],
    responses=documented(404),
)
async def get_customer(reads: NamedDependency[Reads], customer: Id) -> persons.CustomerView:
    """The identities and the conversation; `merged_into` is whose part this one is by now."""
    return await reads.found(lambda c: customers.customer(c, customer))


@get(
    "/customers/{customer:int}/identities",
    summary="Read what a customer's identities rest on",
    tags=["customers"],
    responses=documented(404),
)
async def get_identities(
    reads: NamedDependency[Reads], writes: NamedDependency[Writes], customer: Id
) -> persons.Identities:
    """Each with its evidence and since when, the links behind it, and whom else it may be.

    A suggestion is weak evidence, such as the same display name: nothing is joined by it.
    """
    kinds = {TELEPHONE, *(kind_of(one) for one in writes.desk.channels.values())}
    return await reads.found(lambda c: customers.identities(c, customer, kinds))


@patch(
    "/customers/{customer:int}",
    summary="Say how a customer is addressed",
    tags=["customers"],
    responses=documented(404, 409, 413),
)
async def name_customer(
    writes: NamedDependency[Writes],
    asked: NamedDependency[Asked],
    customer: Id,
    data: JSONBody[Named],
    idempotency_key: Key = None,  # noqa: ARG001
) -> persons.CustomerView:
    """The name on record: what we say by ourselves greets them by it, where the sender is authenticated."""
    act = acts.name(customer, data, writes.who(asked, data))
    return await writes(act, asked, data, persons.CustomerView)


@post(
    "/customers/{customer:int}/merge",
    summary="Join another customer to this one",
    tags=["customers"],
    status_code=200,
    responses=documented(404, 409, 413),
)
async def merge_customer(
    writes: NamedDependency[Writes],
    asked: NamedDependency[Asked],
    customer: Id,
    data: JSONBody[Merge],
    idempotency_key: Key = None,  # noqa: ARG001  `asked` has it; named for the document
) -> persons.Link:
    """All that the other one wrote, and that was written to it, stands in this conversation.

    Undo it by the link's id, or take single identities out again.
    """
    act = acts.merge(customer, data, writes.who(asked, data))
    return await writes(act, asked, data, persons.Link)


@post(
    "/customers/{customer:int}/split",
    summary="Take identities out of a customer",
    tags=["customers"],
    status_code=200,
    responses=documented(404, 409, 413),
)
async def split_customer(
    writes: NamedDependency[Writes],
    asked: NamedDependency[Asked],
    customer: Id,
    data: JSONBody[Split],
    idempotency_key: Key = None,  # noqa: ARG001
) -> persons.Link:
    """Their messages go with them, and so do cases in which nobody else wrote.

    From a case in which others wrote, too, their messages go to a linked case of their own.
    """
    act = acts.split(customer, data, writes.who(asked, data))
    return await writes(act, asked, data, persons.Link)


@post(
    "/links/{link:int}/undo",
    summary="Undo a merge or a split",
    tags=["customers"],
    status_code=200,
    responses=documented(404, 409, 413),
)
async def undo_link(
    writes: NamedDependency[Writes],
    asked: NamedDependency[Asked],
    link: Id,
    data: JSONBody[Undo],
    idempotency_key: Key = None,  # noqa: ARG001
) -> persons.Link:
    """Everything goes back where it was; what came since goes by who wrote it.

    409 names the link that came after this one and has to be undone first.
    """
    act = acts.undo(link, writes.who(asked, data))
    return await writes(act, asked, data, persons.Link)


@delete(
    "/customers/{customer:int}",
    summary="Erase a customer",
    tags=["customers"],
    status_code=200,
    responses=documented(404, 409),
)
async def erase_customer(
    writes: NamedDependency[Writes],
    asked: NamedDependency[Asked],
    customer: Id,
    idempotency_key: Key = None,  # noqa: ARG001
) -> persons.Erased:
    """Every message, file, delivery and name, for good; nobody can undo it.

    What stays is the event `customer.erased`, and that a transport unit came.
    """
    nobody = Wanted()
    act = acts.erase(customer, writes.store.blobs, writes.who(asked, nobody))
    gone = await writes(act, asked, nobody, persons.Erased, patience=_ERASING)
    return replace(gone, clean=await writes.store.scrub())


ROUTES = (
    get_customer,
    get_identities,
    name_customer,
    merge_customer,
    split_customer,
    undo_link,
    erase_customer,
)
