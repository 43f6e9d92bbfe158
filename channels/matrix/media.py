"""Files of Matrix: what customers send is fetched within bounds, what we send is read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from channels.base import ChannelDown, InDoubt, Rejected
from channels.download import kept
from normalizer.message import Spooled

if TYPE_CHECKING:
    from channels.matrix.api import MatrixApi

# Matrix, "mxc:// URIs": a server's name, and an id that is no path.
_ADDRESS = re.compile(r"mxc://([A-Za-z0-9.:\[\]-]{1,255})/([A-Za-z0-9_-]{1,255})")


async def fetch(api: MatrixApi, source: str, most: int, folder: Path) -> bytes | Spooled:
    """The octets, by way of our own homeserver. Raises DeliveryError: Rejected if they are gone."""
    found = _ADDRESS.fullmatch(source)
    if found is None:
        raise Rejected("that is no address of a file on Matrix")
    try:
        async with api.content(*found.groups()) as pieces:
            return await kept(pieces, most, folder)
    except InDoubt as error:  # asking twice does no harm
        raise ChannelDown(str(error)) from error
