"""Files of Slack: what people send is fetched within bounds, what we send is put there."""

from __future__ import annotations

import asyncio
from pathlib import Path

from channels.base import ChannelDown, InDoubt, Rejected, Retry
from channels.enclosed import octets
from channels.slack.api import SlackApi
from channels.slack.words import Where
from normalizer.message import Part, Spooled
from normalizer.tables import items, number, table, text_of


async def fetch(api: SlackApi, source: str, most: int, folder: Path) -> bytes | Spooled:
    """The octets of a file by its id. Raises DeliveryError: Rejected if they are gone."""
    try:
        file = table((await api.ask("files.info", file=source)).get("file"))
    except InDoubt as error:  # asking twice does no harm
        raise ChannelDown(str(error)) from error
    if number(file.get("size")) > most:
        raise Rejected(f"it is larger than {most} octets")
    url = text_of(file.get("url_private_download")) or text_of(file.get("url_private"))
    return await api.fetch(url, folder)


async def show(api: SlackApi, part: Part, place: Where) -> str:
    """Send one file; its id. Raises DeliveryError."""
    data, name = await asyncio.to_thread(octets, part), part.filename or "file"
    try:
        given = await api.ask("files.getUploadURLExternal", filename=name, length=len(data))
        await api.put(text_of(given.get("upload_url")), data)
    except InDoubt as error:  # nobody sees it before it is completed
        raise Retry(str(error)) from error
    shown = {"files": [{"id": text_of(given.get("file_id")), "title": name}]}
    thread = {"thread_ts": place.thread} if place.thread else {}
    said = await api.call(
        "files.completeUploadExternal", shown | {"channel_id": place.channel} | thread
    )
    return next((text_of(table(one).get("id")) for one in items(said.get("files"))), "")
