"""People let somebody in to a case, or show him out for good."""

from __future__ import annotations

from tests.gateway.api.v1.test_speaking import Talk, site, talk

__all__ = ["site", "talk"]  # fixtures


async def test_somebody_is_let_in_once_and_shown_with_who_did_it(talk: Talk) -> None:
    case = (await talk.mail("g1@example.jp"))["id"]
    wanted = {"address": "Ken@work.example", "name": "Ken", "by": "Aiko"}
    first = await talk.post(f"/{case}/participants", wanted)
    assert (first["address"], first["name"]) == ("email:ken@work.example", "Ken")
    assert first["evidence"] == "a person said so"
    assert await talk.post(f"/{case}/participants", wanted) == first
    shown = (await talk.client.get(f"/v1/cases/{case}")).json()["participants"]
    assert shown == [first]
    (event,) = await talk.told(case, "participant.added")
    assert (event["by"], event["identity_id"]) == ("Aiko", first["identity_id"])


async def test_who_is_shown_out_is_gone_until_a_person_lets_him_in_again(talk: Talk) -> None:
    case = (await talk.mail("g2@example.jp"))["id"]
    wanted = {"address": "ken@work.example"}
    first = await talk.post(f"/{case}/participants", wanted)
    path = f"/v1/cases/{case}/participants/{first['identity_id']}"
    assert (await talk.client.delete(path)).json() == first
    assert (await talk.client.get(f"/v1/cases/{case}")).json()["participants"] == []
    assert (await talk.client.delete(path)).status_code == 404
    assert len(await talk.told(case, "participant.removed")) == 1
    again = await talk.post(f"/{case}/participants", wanted)
    assert again["identity_id"] == first["identity_id"]
    assert (await talk.client.get(f"/v1/cases/{case}")).json()["participants"] == [again]


async def test_what_cannot_be_a_participant_is_said(talk: Talk) -> None:
    case = (await talk.mail("g3@example.jp"))["id"]
    for address in ("g3@example.jp", "support@example.com", "no address", "\0@example.jp"):
        refused = await talk.post(f"/{case}/participants", {"address": address}, 409)
        assert refused["detail"], address
    assert (await talk.post("/99999999/participants", {"address": "a@b.example"}, 404))["detail"]
