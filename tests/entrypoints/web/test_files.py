"""Files in and out: any bytes, capped, streamed, found again by their owner."""

from __future__ import annotations

from pathlib import Path

from tests.entrypoints.web.conftest import read_events, send_endlessly

from windowseat.testing.world import Running, running_house

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


async def test_bytes_come_back_as_they_went_in(running: Running):
    put = await running.browser.post("/api/files", params={"name": "Größe 1.png"}, content=PNG)
    assert put.status_code == 201
    shown = put.json()
    assert shown == {
        "file": shown["file"],
        "media_type": "image/png",
        "size": len(PNG),
        "name": "Größe 1.png",
    }
    answered = await running.browser.get(f"/api/files/{shown['file']}")
    assert answered.content == PNG
    assert answered.headers["content-disposition"] == "inline; filename*=UTF-8''Gr%C3%B6%C3%9Fe%201.png"
    part = await running.browser.get(f"/api/files/{shown['file']}", headers={"Range": "bytes=0-7"})
    assert (part.status_code, part.content) == (206, PNG[:8])


async def test_a_name_cannot_break_out_of_its_header(running: Running):
    put = await running.browser.post(
        "/api/files", params={"name": '../a"\r\nSet-Cookie: x=1;.txt'}, content=b"hi"
    )
    answered = await running.browser.get(f"/api/files/{put.json()['file']}")
    assert "set-cookie" not in answered.headers
    assert "/" not in put.json()["name"]


async def test_a_file_over_the_limit_is_refused_while_it_comes_and_leaves_nothing(tmp_path: Path):
    async with running_house(tmp_path, upload_megabytes=1) as running:
        told = await running.browser.post("/api/files", content=bytes(1_000_001))
        assert (told.status_code, told.json()["code"]) == (413, "file_too_large")
        assert "413" in (await send_endlessly(running, "/api/files")).splitlines()[0]
        assert [path for path in (tmp_path / "files").rglob("*") if path.is_file()] == []


async def test_a_form_is_told_to_send_the_bytes_themselves(running: Running):
    refused = await running.browser.post("/api/files", files={"file": ("a.txt", b"hi")})
    assert (refused.status_code, refused.json()["code"]) == (415, "file_not_plain")


async def test_a_file_is_read_by_the_model_that_is_asked_about_it(running: Running, provider):
    file = (await running.browser.post("/api/files?name=a.txt", content=b"the sky is green")).json()["file"]
    parts = [
        {"type": "file", "media_type": "text/plain", "file": file, "name": "a.txt"},
        {"type": "text", "text": "What does it say?"},
    ]
    begun = await running.start("", parts=parts)
    await read_events(running.browser, f"/api/turns/{begun['turn']}/events")
    assert b"the sky is green" in provider.requests[0].body


async def test_a_file_whose_bytes_are_gone_says_so(running: Running):
    file = (await running.browser.post("/api/files?name=a.txt", content=b"gone")).json()["file"]
    for path in running.house.home.files.rglob("*"):
        if path.is_file():
            path.unlink()
    refused = await running.browser.get(f"/api/files/{file}")
    assert (refused.status_code, refused.json()["code"]) == (404, "file_bytes_missing")
