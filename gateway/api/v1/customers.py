"""Customers: who is one person and what says so, joined and taken apart by people."""

from __future__ import annotations

from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from msgspec.structs import replace

from gateway.api.errors import documented
from gateway.api.parameters import Id
from gateway.api.reads import Reads
from gateway.api.writes import NOBODY, Write
from gateway.desk.speak import TELEPHONE, Desk
from gateway.desk.wanted import Merge, Named, Split, Undo
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
    reads: NamedDependency[Reads], desk: NamedDependency[Desk], customer: Id
) -> persons.Identities:
    """Each with its evidence and since when, the links behind it, and whom else it may be.

    A suggestion is weak evidence, such as the same display name: nothing is joined by it.
    """
    kinds = {TELEPHONE, *(kind_of(one) for one in desk.channels.values())}
    return await reads.found(lambda c: customers.identities(c, customer, kinds))


@patch(
    "/customers/{customer:int}",
    summary="Say how a customer is addressed",
    tags=["customers"],
    responses=documented(404, 409, 413),
)
async def name_customer(
    write: NamedDependency[Write], customer: Id, data: JSONBody[Named]
) -> persons.CustomerView:
    """The name on record: what we say by ourselves greets them by it, where the sender is authenticated."""
    act = acts.name(customer, data, write.who(data))
    return await write(act, data, persons.CustomerView)


@post(
    "/customers/{customer:int}/merge",
    summary="Join another customer to this one",
    tags=["customers"],
    status_code=200,
    responses=documented(404, 409, 413),
)
async def merge_customer(
    write: NamedDependency[Write], customer: Id, data: JSONBody[Merge]
) -> persons.Link:
    """All that the other one wrote, and that was written to it, stands in this conversation.

    Undo it by the link's id, or take single identities out again.
    """
    act = acts.merge(customer, data, write.who(data))
    return await write(act, data, persons.Link)


@post(
    "/customers/{customer:int}/split",
    summary="Take identities out of a customer",
    tags=["customers"],
    status_code=200,
    responses=documented(404, 409, 413),
)
async def split_customer(
    write: NamedDependency[Write], customer: Id, data: JSONBody[Split]
) -> persons.Link:
    """Their messages go with them, and so do cases in which nobody else wrote.

    From a case in which others wrote, too, their messages go to a linked case of their own.
    """
    act = acts.split(customer, data, write.who(data))
    return await write(act, data, persons.Link)


@post(
    "/links/{link:int}/undo",
    summary="Undo a merge or a split",
    tags=["customers"],
    status_code=200,
    responses=documented(404, 409, 413),
)
async def undo_link(write: NamedDependency[Write], link: Id, data: JSONBody[Undo]) -> persons.Link:
    """Everything goes back where it was; what came since goes by who wrote it.

    409 names the link that came after this one and has to be undone first.
    """
    act = acts.undo(link, write.who(data))
    return await write(act, data, persons.Link)


@delete(
    "/customers/{customer:int}",
    summary="Erase a customer",
    tags=["customers"],
    status_code=200,
    responses=documented(404, 409),
)
async def erase_customer(write: NamedDependency[Write], customer: Id) -> persons.Erased:
    """Every message, file, delivery and name, for good; nobody can undo it.

    What stays is the event `customer.erased`, and that a transport unit came.
    """
    act = acts.erase(customer, write.store.blobs, write.who())
    gone = await write(act, NOBODY, persons.Erased, patience=_ERASING)
    return replace(gone, clean=await write.store.scrub())


ROUTES = (
    get_customer,
    get_identities,
    name_customer,
    merge_customer,
    split_customer,
    undo_link,
    erase_customer,
)
