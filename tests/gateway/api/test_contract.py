"""What the OpenAPI document promises holds, whatever a client may send (schemathesis)."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from prometheus_client import CollectorRegistry
from schemathesis import GenerationMode
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import negative_data_rejection

from gateway.api.app import Door, Readiness
from gateway.api.server import bind, serve_on
from store.store import Store
from tests.gateway.api.conftest import AUTHORIZED, Filled
from tests.gateway.api.seed import admission, database, seeded
from tests.gateway.api.seed import state as fresh

EXAMPLES = 25


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Filled]:
    """A database of our own: here everything is tried, writing too."""
    with database(request.param, tmp_path_factory.mktemp("contract")) as site:
        yield Filled(site, seeded(site))


@pytest.fixture(scope="module")
def base(filled: Filled) -> Iterator[str]:
    """The real server in a thread with a loop of its own; where it listens."""
    listening: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[None], int]] = Future()

    async def main() -> None:
        store = Store(filled.site.url, filled.site.data_dir, admission())
        ready = Readiness(ready=True)
        app = Door(fresh(store, lambda: ready, CollectorRegistry(), "Contract"))
        sockets = await bind("127.0.0.1", 0)
        listens = asyncio.Event()
        task = asyncio.create_task(serve_on(app, sockets, listens))
        await listens.wait()
        port = sockets[0].getsockname()[1]
        listening.set_result((asyncio.get_running_loop(), task, port))
        await asyncio.wait([task])
        await store.close()

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    with pytest.MonkeyPatch.context() as patch:
        # The check that a wrong token is refused sends one with every request.
        patch.setattr("gateway.api.access.WRONG", (10**6, 1.0))
        thread.start()
        loop, task, port = listening.result(30)
    yield f"http://127.0.0.1:{port}"
    loop.call_soon_threadsafe(task.cancel)
    thread.join(30)


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_every_answer_is_one_that_the_document_names(base: str, mode: GenerationMode) -> None:
    """No 5xx, no undocumented status or media type, no body of another shape, no gap in the gate.

    Parameters that we do not know are ignored, so not all that the document does not name is
    refused; which bad values are is in test_errors.
    """
    document = schemathesis.openapi.from_url(f"{base}/openapi.json")
    tried: Counter[str] = Counter()
    for found in document.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and not (
            operation.query or operation.path_parameters or operation.body
        ):
            continue

        @given(operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: schemathesis.Case[Any]) -> None:
            tried[case.path] += 1
            case.call_and_validate(headers=AUTHORIZED, excluded_checks=[negative_data_rejection])

        ask()
    assert sum(tried.values()) >= 8 * EXAMPLES / 2, tried
