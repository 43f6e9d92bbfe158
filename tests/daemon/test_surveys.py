"""A survey by the real process: a mail with a link, a page, a vote, and what people see of it."""

from __future__ import annotations

import http.client
import re
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.daemon.servers import Site, daemon, lay_out, wait_until
from tests.daemon.test_answers import ask
from tests.daemon.window import Answer, acknowledgements, api, change, get, mail, rows, send

pytestmark = pytest.mark.daemon

RULE = """
[[follow_up]]
name = "how-did-we-do"
when = "resolved"
after = "1 second"
send = "survey_nps"
[faq]
folder = "faq"
[replies]
folder = "replies"
[[ask]]
name = "order_number"
"""
PAGE = "---\ntitle: Where is my parcel?\nurl: https://shop.example/parcels\n---\nOn its way.\n"
SAVED = "Title: On its way\n{{ personal }} {{ agent }}\n"


def post(site: Site, path: str, **fields: str) -> Answer:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    with closing(http.client.HTTPConnection("127.0.0.1", site.http, timeout=60)) as connection:
        connection.request("POST", path, urlencode(fields), headers)
        found = connection.getresponse()
        named = {name.lower(): value for name, value in found.getheaders()}
        return Answer(found.status, named, found.read())


def test_a_customer_answers_on_the_page_that_the_mail_leads_to(tmp_path: Path) -> None:
    for name, text in (("faq/en/parcels.md", PAGE), ("replies/en/sent.txt", SAVED)):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text, "utf-8")
    site = lay_out(tmp_path, more=RULE)
    listen = f'listen = "127.0.0.1:{site.http}"\n'
    change(site, (listen, f'{listen}public_url = "http://127.0.0.1:{site.http}"\n'))
    with daemon(site):
        assert send(site, mail("asked")).code == 250
        # Nobody vouches for the sender here: fixed words.
        assert "shop.example" not in acknowledgements(site, 1)[0].get_content()
        case = api(site, "/v1/cases")["items"][0]
        assert "sent" in {one["name"] for one in api(site, "/v1/replies")["items"]}
        ask(site, "PATCH", f"/v1/cases/{case['id']}", {"status": "resolved"})
        survey = next(m for m in acknowledgements(site, 2) if "/v/" in m.get_content())
        found = re.search(rf"http://127\.0\.0\.1:{site.http}(/v/\S+)", survey.get_content())
        assert found
        page = get(site, found[1])
        assert page.status == 200
        assert page.headers["referrer-policy"] == "no-referrer"
        assert "set-cookie" not in page.headers
        assert rows(site, "SELECT score FROM v_surveys") == [{"score": None}]
        assert post(site, found[1], score="9", comment="Quick & kind <3").status == 200
        wait_until(
            lambda: rows(site, "SELECT score, comment FROM v_surveys")
            == [{"score": 9, "comment": "Quick & kind <3"}],
            60, "the vote is written",
        )  # fmt: skip
        assert api(site, "/v1/surveys")["items"][0]["scores"] == {"9": 1}
        assert b'madoguchi_survey_votes_total{scale="nps",score="9"} 1.0' in get(site, "/metrics").body  # fmt: skip
        assert post(site, "/v/1.1.00000000000000000000", score="1").status == 404
        after = api(site, f"/v1/cases/{case['id']}")
    assert after["status"] == "open"
    assert after["messages"][-1]["reply_text"].startswith("9\n\nQuick & kind <3")
