"""A process that writes: `python -m tests.store.scribe URL FOLDER COUNT AUTHOR` commits mails."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.store.house import Site, arrival, opened

AT_ONCE = 4


async def write(site: Site, count: int, author: str) -> None:
    """Mails 0 … count-1, all from one author, a few at a time."""
    async with opened(site) as store:
        for start in range(0, count, AT_ONCE):
            names = [f"mail {number}" for number in range(start, start + AT_ONCE)]
            mails = [arrival(n, author, unit=f"{n} by {site.folder.name}") for n in names]
            await asyncio.gather(*(store.commit_inbound(mail) for mail in mails))


if __name__ == "__main__":
    asyncio.run(write(Site(sys.argv[1], Path(sys.argv[2])), int(sys.argv[3]), sys.argv[4]))
