"""Rules learnt from what went wrong in other chat workspaces; each test names what that was."""

from __future__ import annotations

import stat
from pathlib import Path

import httpx2
import pytest
from tests.entrypoints.web.conftest import read_events

from windowseat.entrypoints.web.hosts import Names, Proxies, same_origin
from windowseat.entrypoints.web.security import COOKIE
from windowseat.platform.ids import Ids
from windowseat.testing.world import Running, running_house


def ask():
    return {"id": Ids().new(), "new": {}, "parts": [{"type": "text", "text": "Hi"}]}


# -- localhost services were reached by DNS rebinding from any web page ------------------------------


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8321", "localhost.evil.example", "127.0.0.1.nip.io", "", "[::1"]
)
async def test_dns_rebinding_a_name_that_is_not_ours_is_refused(running: Running, host):
    for path in ("/", "/healthz", "/api/threads", "/sign-in?token=x"):
        refused = await running.browser.get(path, headers={"Host": host})
        assert (refused.status_code, refused.json()["code"]) == (421, "host_not_allowed")


async def test_dns_rebinding_loopback_names_and_the_settings_hosts_are_ours(tmp_path: Path):
    async with running_house(tmp_path, hosts=("Chat.example.org",)) as running:
        for host in ("localhost:1", "127.0.0.1", "[::1]:8321", "chat.example.org", "CHAT.example.org:443"):
            assert (await running.browser.get("/api/threads", headers={"Host": host})).status_code == 200


def test_dns_rebinding_the_address_a_request_arrived_at_is_ours():
    names = Names.of("0.0.0.0", ())
    assert names.allow("192.168.1.5:8321", "192.168.1.5")
    assert not names.allow("192.168.1.6:8321", "192.168.1.5")


# -- changes were made for another site's page -------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_cross_origin_a_page_of_another_site_changes_nothing(running: Running, headers):
    refused = await running.browser.post("/api/turns", json=ask(), headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (403, "cross_origin")
    assert (await running.browser.get("/api/threads")).json()["threads"] == []


async def test_cross_origin_our_own_page_and_programs_may(running: Running):
    own = {"Origin": running.address, "Sec-Fetch-Site": "same-origin"}
    for headers in (own, {}):
        assert (await running.browser.post("/api/turns", json=ask(), headers=headers)).status_code == 202


async def test_cross_origin_nothing_tells_browsers_that_others_may_read(running: Running):
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for answered in (
        await running.browser.get("/api/threads", headers={"Origin": "https://evil.example"}),
        await running.browser.options("/api/turns", headers=asked),
    ):
        assert [name for name in answered.headers if name.startswith("access-control")] == []
    assert (await running.browser.get("/api/threads")).headers[
        "cross-origin-resource-policy"
    ] == "same-origin"


def test_cross_origin_scheme_and_port_count_too():
    assert same_origin("https://chat.example.org", "https", "chat.example.org")
    assert same_origin("https://chat.example.org:443", "https", "Chat.example.org")
    assert same_origin("https://chat.example.org", "http", "chat.example.org")  # TLS ends before us
    assert not same_origin("http://chat.example.org", "https", "chat.example.org")
    assert not same_origin("http://localhost:3000", "http", "localhost:8321")
    assert not same_origin("ftp://localhost", "http", "localhost")


# -- a stream or an address did not ask whose session it was -----------------------------------------


async def test_session_not_checked_every_address_of_the_api_needs_somebody(running: Running):
    described = (await running.browser.get("/api/openapi.json")).json()
    asked = 0
    for path, methods in described["paths"].items():
        if path.startswith("/api/"):
            for method in methods:
                refused = await running.stranger.request(
                    method.upper(), path.replace("{", "").replace("}", "")
                )
                assert (refused.status_code, refused.json()["code"]) == (401, "not_signed_in"), path
                asked += 1
    assert asked > 30
    for path in ("/docs", "/api/openapi.json", "/api/", "/api/nothing"):
        assert (await running.stranger.get(path)).status_code == 401


async def test_session_not_checked_another_users_things_are_not_there(running: Running, other):
    begun = await running.start("mine")
    turn, thread, message = begun["turn"], begun["thread"], begun["message"]
    await read_events(running.browser, f"/api/turns/{turn}/events")
    file = (await running.browser.post("/api/files?name=a.txt", content=b"mine")).json()["file"]
    key = (await running.browser.post("/api/keys", json={"name": "mine"})).json()["id"]
    sign_in = (await running.browser.get("/api/sign-ins")).json()["sign_ins"][0]["id"]
    part = {"type": "file", "media_type": "text/plain", "file": file}
    at = f"/api/threads/{thread}"
    theirs = {**ask(), "model": "local/smollm2"}
    asked = [
        ("GET", f"/api/turns/{turn}", None),
        ("GET", f"/api/turns/{turn}/events", None),
        ("GET", f"/api/events?turn={turn}:0", None),
        ("GET", f"/api/events?thread={thread}", None),
        ("GET", f"/api/turns/{turn}/requests/1", None),
        ("POST", f"/api/turns/{turn}/cancel", None),
        ("POST", f"/api/turns/{turn}/resume", None),
        ("POST", f"/api/turns/{turn}/approve", {"call": "c", "decision": "once"}),
        ("POST", "/api/turns", {**theirs, "new": None, "thread": thread, "parent": message}),
        ("POST", "/api/turns", {**theirs, "parts": [part]}),
        ("GET", at, None),
        ("PATCH", at, {"title": "theirs"}),
        ("DELETE", at, None),
        ("POST", f"{at}/restore", None),
        ("POST", f"{at}/fork", {"message": message}),
        ("GET", f"{at}/draft", None),
        ("PUT", f"{at}/draft", {"text": "theirs"}),
        ("GET", f"{at}/messages", None),
        (
            "POST",
            f"{at}/messages",
            {"parent": message, "role": "user", "parts": [{"type": "text", "text": "x"}]},
        ),
        ("DELETE", f"{at}/messages/{message}", None),
        ("POST", f"{at}/messages/{message}/restore", None),
        ("PUT", f"{at}/messages/{message}/feedback", {"good": False}),
        ("GET", f"/api/files/{file}", None),
        ("DELETE", f"/api/keys/{key}", None),
        ("DELETE", f"/api/sign-ins/{sign_in}", None),
    ]
    for method, path, body in asked:
        refused = await other.request(method, path, json=body)
        assert refused.status_code == 404, (method, path, refused.text)
    for path, name in (("/api/threads", "threads"), ("/api/keys", "keys"), ("/api/ledger", "rows")):
        assert (await other.get(path)).json()[name] == []
    names = [each["name"] for each in (await other.get("/api/connections")).json()["connections"]]
    assert names == ["local"]
    assert (await running.browser.get(at)).json()["title"] is None


async def test_session_not_checked_the_same_turn_id_of_another_user_is_a_clash_and_not_their_turn(
    running: Running, other
):
    body = ask()
    mine = await running.browser.post("/api/turns", json=body)
    theirs = await other.post("/api/turns", json={**body, "model": "local/smollm2"})
    assert (theirs.status_code, theirs.json()["code"]) == (409, "turn_id_used")
    assert mine.json()["thread"] not in theirs.text


# -- tokens were handed to scripts -------------------------------------------------------------------


async def test_token_in_script_the_cookie_is_out_of_reach_of_scripts_and_other_sites(running: Running):
    link = (await running.program.post("/api/sign-ins/link")).json()
    token = link["path"].partition("token=")[2]
    answered = await running.stranger.post("/sign-in", data={"token": token})
    parts = {part.strip().lower() for part in answered.headers["set-cookie"].split(";")}
    assert {"httponly", "samesite=lax", "path=/"} <= parts
    assert "secure" not in parts
    assert answered.headers["set-cookie"].startswith(f"{COOKIE}=")


async def test_token_in_script_the_cookie_is_secure_behind_tls(tmp_path: Path):
    async with running_house(
        tmp_path, trusted_proxies=("127.0.0.1",), hosts=("chat.example.org",), base_path="/ws"
    ) as running:
        link = (await running.program.post("/api/sign-ins/link")).json()
        proxied = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "chat.example.org"}
        token = link["path"].partition("token=")[2]
        own = {**proxied, "Origin": "https://chat.example.org"}
        answered = await running.stranger.post("/sign-in", data={"token": token}, headers=own)
        assert (answered.status_code, answered.headers["location"]) == (303, "/ws/")
        parts = {part.strip().lower() for part in answered.headers["set-cookie"].split(";")}
        assert {"secure", "path=/ws"} <= parts


# -- forwarded headers of anybody were believed ------------------------------------------------------


async def test_forwarded_headers_of_strangers_say_nothing(running: Running):
    told = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    assert (await running.browser.get("/api/threads", headers=told)).status_code == 200
    rebound = {"Host": "evil.example", "X-Forwarded-Host": "localhost"}
    assert (await running.browser.get("/api/threads", headers=rebound)).status_code == 421


def test_forwarded_headers_name_the_client_that_the_nearest_trusted_proxy_saw():
    proxies = Proxies.of(["10.0.0.0/8", "::1"])
    assert proxies.trust("10.1.2.3")
    assert not proxies.trust("11.1.2.3")
    assert not proxies.trust("not an address")
    assert proxies.client_of("6.6.6.6, 1.2.3.4, 10.0.0.7") == "1.2.3.4"


# -- user files and pages ran script in our origin ---------------------------------------------------

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"


@pytest.mark.parametrize(
    ("name", "content", "claimed"),
    [
        ("a.svg", SVG, "image/svg+xml"),
        ("a.png", SVG, "image/png"),
        ("a.html", HTML, "text/html"),
        ("a.txt", HTML, "text/html; charset=utf-8"),
        ("a.xml", b"<?xml version='1.0'?><a/>", "application/xml"),
        ("a.pdf", b"%PDF-1.7 ...", "application/pdf"),
        ("a.js", b"alert(1)", "text/javascript"),
    ],
)
async def test_svg_profile_pictures_what_can_run_is_only_ever_an_attachment(
    running: Running, name, content, claimed
):
    put = await running.browser.post(
        f"/api/files?name={name}", content=content, headers={"Content-Type": claimed}
    )
    answered = await running.browser.get(f"/api/files/{put.json()['file']}")
    shown_in_place = answered.headers["content-disposition"].startswith("inline")
    if shown_in_place:
        assert answered.headers["content-type"].startswith("text/plain")
    assert answered.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answered.headers["content-security-policy"]
    assert answered.content == content


async def test_stored_xss_no_page_of_ours_allows_a_script(running: Running):
    link = (await running.program.post("/api/sign-ins/link")).json()["path"]
    pages = [
        await running.browser.get("/"),
        await running.stranger.get("/"),
        await running.browser.get("/docs"),
        await running.stranger.get(link),
        await running.stranger.get('/sign-in?token="><script>alert(1)</script>'),
    ]
    for page in pages:
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "script-src" not in policy
        assert "frame-ancestors 'none'" in policy
        assert "<script" not in page.text
        assert "style=" not in page.text
        assert page.headers["referrer-policy"] == "no-referrer"


# -- keys were shown, logged, or opened too much -----------------------------------------------------


async def test_secrets_a_connections_key_goes_in_and_never_comes_out(running: Running):
    secret = "sk-live-0123456789abcdefghij"
    asked = {"name": "work", "dialect": "openai-chat", "url": "https://api.example/v1", "key": secret}
    added = await running.browser.post("/api/connections", json=asked)
    assert added.status_code == 201
    changed = await running.browser.patch("/api/connections/work", json={"url": "https://api.example/v2"})
    listed = await running.browser.get("/api/connections")
    for answered in (added, changed, listed):
        assert secret not in answered.text
        assert "ghij" in answered.text
    database = running.house.database.path
    for file in database.parent.glob("windowseat.db*"):
        assert secret.encode() not in file.read_bytes()


async def test_secrets_a_key_for_v1_does_not_open_the_api(running: Running):
    small = (await running.browser.post("/api/keys", json={"name": "editor"})).json()["key"]
    large = (await running.browser.post("/api/keys", json={"name": "script", "scope": "api"})).json()
    for key, status in ((small, 403), (large["key"], 200), ("ws-nothing", 401)):
        headers = {"Authorization": f"Bearer {key}"}
        assert (await running.stranger.get("/api/threads", headers=headers)).status_code == status
    assert small not in (await running.browser.get("/api/keys")).text
    assert (await running.browser.delete(f"/api/keys/{large['id']}")).status_code == 204
    headers = {"Authorization": f"Bearer {large['key']}"}
    assert (await running.stranger.get("/api/threads", headers=headers)).status_code == 401


async def test_secrets_the_settings_that_may_hold_one_are_not_shown(tmp_path: Path):
    place = f"sqlite:///{tmp_path}/secret-place.db"
    async with running_house(tmp_path / "home", database_url=place) as running:
        answered = await running.browser.get("/api/settings")
    shown = {each["name"]: each for each in answered.json()["settings"]}
    assert (shown["database_url"]["value"], shown["database_url"]["secret"]) == (None, True)
    assert "secret-place" not in answered.text
    assert (shown["port"]["value"], shown["port"]["default"]) == (0, 8321)
    assert all(each["meaning"] and each["source"] for each in shown.values())


async def test_the_socket_opens_to_its_owner_alone(running: Running):
    path = running.house.home.socket_path()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_a_proxy_in_front_may_leave_the_base_path_on_or_take_it_off(tmp_path: Path):
    async with running_house(tmp_path, base_path="/windowseat") as running:
        base = httpx2.URL(running.address)
        assert base.path == "/windowseat"
        for path in ("/windowseat/api/threads", "/api/threads"):
            assert (await running.browser.get(base.copy_with(path=path))).status_code == 200
        page = await running.stranger.get(base)
        assert 'href="/windowseat/plain.css"' in page.text
        assert (await running.stranger.get(base.copy_with(path="/windowseatapi/threads"))).status_code == 404
