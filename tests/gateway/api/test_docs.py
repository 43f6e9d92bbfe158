"""The pages for consumers name everything that there is, and nothing that there is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import text

from store.views import VIEWS
from tests.gateway.api.conftest import Window

DOCS = Path(__file__).parents[3] / "docs"


async def test_every_address_and_parameter_is_in_the_page_on_the_api(window: Window) -> None:
    page = (DOCS / "api.md").read_text("utf-8")
    document = (await window.stranger.get("/openapi.json")).json()
    operations = {
        (method.upper(), path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    named = set(re.findall(r"`([A-Z]+) (/[^`?]*)`", page))
    assert named == set(operations) | {("GET", path) for path in ("/", "/docs", "/openapi.json")}
    for (method, path), operation in operations.items():
        row = next(line for line in page.splitlines() if line.startswith(f"| `{method} {path}`"))
        described = {p["name"] for p in operation.get("parameters", []) if p["in"] == "query"}
        if body := operation.get("requestBody"):
            (content,) = body["content"].values()
            shape = content["schema"]["$ref"].rpartition("/")[2]
            described = set(document["components"]["schemas"][shape]["properties"])
        assert described == (set(re.findall(r"`(\w+)`", row.split("|")[3])) if described else set())


async def test_every_kind_of_event_that_occurs_is_in_the_page(window: Window) -> None:
    page = (DOCS / "api.md").read_text("utf-8")
    events = (await window.client.get("/v1/events")).json()["items"]
    for event in events:
        row = next(line for line in page.splitlines() if f"`{event['type']}`" in line)
        assert all(f"`{key}`" in row for key in event["data"]), event


@pytest.mark.parametrize("view", sorted(VIEWS))
async def test_every_column_of_a_view_is_in_its_own_table(window: Window, view: str) -> None:
    page = (DOCS / "views.md").read_text("utf-8")
    _, _, section = page.partition(f"\n## {view}\n")
    section = section.partition("\n## ")[0]
    documented = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    columns = await window.store.read(
        lambda c: list(c.execute(text(f"SELECT * FROM {view} LIMIT 0")).keys())
    )
    assert documented == columns


def test_the_page_on_views_names_no_view_that_there_is_not() -> None:
    page = (DOCS / "views.md").read_text("utf-8")
    assert set(re.findall(r"^## (\w+)$", page, re.MULTILINE)) == set(VIEWS)


async def test_nothing_is_given_out_as_a_spreadsheet_b18(window: Window) -> None:
    """B18: `=cmd()` is dangerous in a cell; here a customer's words are JSON, or octets as they came.

    Whoever adds an export of rows meets this first, and prefixes its cells.
    """
    document = (await window.stranger.get("/openapi.json")).json()
    given = {
        (path, kind)
        for path, methods in document["paths"].items()
        for operation in methods.values()
        for answer in operation["responses"].values()
        for kind in answer.get("content", {})
    }
    kinds = {kind for _, kind in given}
    assert "application/json" in kinds
    assert [
        kind for kind in kinds if re.search(r"csv|tab-sep|excel|sheet|calc|opendoc", kind)
    ] == []
    asked = {"Accept": "text/csv, application/vnd.ms-excel"}
    for path in ("/v1/conversations", "/v1/cases", "/v1/events", "/v1/customers"):
        answer = await window.client.get(path, headers=asked)
        assert not re.search(r"csv|excel|sheet", answer.headers["content-type"]), path
