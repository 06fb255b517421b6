"""Signing a browser in: a link works once, by its button, and for an hour."""

from __future__ import annotations

import httpx2

from windowseat.app import first_link
from windowseat.testing.world import Running, running_house


async def test_a_link_lets_a_browser_in_once(running: Running):
    link = (await running.program.post("/api/sign-ins/link")).json()
    assert link["url"] == running.address + link["path"]
    token = link["path"].partition("token=")[2]
    async with httpx2.AsyncClient(base_url=running.address) as browser:
        page = await browser.get(link["path"])
        assert (page.status_code, "<form" in page.text) == (200, True)
        answered = await browser.post("/sign-in", data={"token": token}, headers={"User-Agent": "Firefox"})
        assert (answered.status_code, answered.headers["location"]) == (303, "/")
        assert (await browser.get("/api/threads")).status_code == 200
        assert "windowseat ask" in (await browser.get("/")).text
        sign_ins = (await browser.get("/api/sign-ins")).json()["sign_ins"]
        assert [each["agent"] for each in sign_ins if each["here"]] == ["Firefox"]
    again = await running.stranger.post("/sign-in", data={"token": token})
    assert (again.status_code, "used already" in again.text) == (401, True)


async def test_a_preview_of_a_link_does_not_use_it_up(running: Running):
    link = (await running.program.post("/api/sign-ins/link")).json()
    for _ in range(3):
        assert (await running.stranger.get(link["path"])).status_code == 200
    token = link["path"].partition("token=")[2]
    assert (await running.stranger.post("/sign-in", data={"token": token})).status_code == 303


async def test_a_form_without_a_link_lets_nobody_in(running: Running):
    for data in ({}, {"token": "guess"}):
        refused = await running.stranger.post("/sign-in", data=data)
        assert refused.status_code == 401
        assert "set-cookie" not in refused.headers
        assert "windowseat link" in refused.text


async def test_a_browser_that_was_signed_out_is_a_stranger_at_once(running: Running):
    sign_in = (await running.browser.get("/api/sign-ins")).json()["sign_ins"][0]["id"]
    assert (await running.browser.delete(f"/api/sign-ins/{sign_in}")).status_code == 204
    refused = await running.browser.get("/api/threads")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert "windowseat link" in refused.json()["hint"]
    assert "not signed in" in (await running.browser.get("/")).text


async def test_the_first_link_is_offered_until_a_browser_was_let_in(tmp_path):
    async with running_house(tmp_path) as running:
        assert await first_link(running.house) is None
        sign_in = (await running.browser.get("/api/sign-ins")).json()["sign_ins"][0]["id"]
        await running.program.delete(f"/api/sign-ins/{sign_in}")
        link = await first_link(running.house)
        assert link.startswith(running.address + "/sign-in?token=")


async def test_whoever_comes_by_the_socket_is_the_owner(running: Running):
    assert (await running.program.get("/api/threads")).status_code == 200
    assert (await running.program.get("/api/sign-ins")).json()["sign_ins"][0]["here"] is False
