"""Connections: what one may be, who sees it, that its secrets are sealed and stay with their host."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from windowseat.core.ask import User
from windowseat.core.errors import Conflict, Fault, NotFound, Refused
from windowseat.features.providers.connection import checked_url, hint_of, same_host
from windowseat.features.providers.connections import Connections
from windowseat.features.providers.store import ConnectionStore
from windowseat.platform.database import Database
from windowseat.platform.ids import Ids
from windowseat.platform.secrets import Secrets
from windowseat.testing.clock import StoppedClock

KEY = "sk-abcdefghijklmnopqrstuvwxyz-9876"
URL = "https://api.example.org/v1"


@pytest.fixture
def service(database: Database, tmp_path: Path, clock: StoppedClock, ids: Ids) -> Connections:
    (tmp_path / "keys").mkdir()
    secrets = Secrets(tmp_path / "keys" / "connections.key")
    return Connections(ConnectionStore(database), secrets, clock, ids, built_in={"local": "openai-chat"})


async def add(service: Connections, user: User, **changes: Any) -> Any:
    """A plain connection, but for the changes."""
    return await service.add(
        user, **{"name": "work", "dialect": "openai-chat", "url": URL, "key": KEY, **changes}
    )


async def names(service: Connections, user: User) -> list[str]:
    return [connection.name for connection in await service.list(user)]


async def test_a_connection_is_kept_and_opened_again(service: Connections, user: User) -> None:
    added = await add(service, user, headers={"X-Title": "Windowseat"}, query={"api-version": "1"})
    assert (added.name, added.dialect, added.url, added.version) == ("work", "openai-chat", URL, 1)
    assert await service.get(user, "work") == added
    way = await service.way(user, "work")
    assert (way.url, way.key) == (URL, KEY)
    assert (way.headers, way.query) == ({"X-Title": "Windowseat"}, {"api-version": "1"})


async def test_everyone_has_the_local_connection_and_nobody_can_change_it(
    service: Connections, user: User
) -> None:
    (local,) = await service.list(user)
    assert (local.name, local.built_in, local.dialect) == ("local", True, "openai-chat")
    assert await service.get(user, "local") == local
    for name in ("local", "Local"):
        with pytest.raises(Refused) as fault:
            await add(service, user, name=name)
        assert fault.value.code == "connection_name_reserved"
    for call in (service.remove(user, "local"), service.change(user, "local", url=URL)):
        with pytest.raises(Refused) as fault:
            await call
        assert fault.value.code == "connection_name_reserved"


async def test_a_key_is_sealed_and_never_shown_again(
    service: Connections, database: Database, user: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "header-secret-value"
    added = await add(
        service, user, headers={"X-Key": secret}, query={"token": "query-secret-value", "v": "2"}
    )
    assert added.key_hint == "…9876"
    assert added.headers == ("X-Key",)
    assert added.query == {"token": "…alue", "v": "2"}
    rows = await database.read(lambda conn: str(conn.execute(text("SELECT * FROM connections")).all()))
    way = await service.way(user, "work")
    for told in (repr(added), rows, repr(way), caplog.text, database.path.read_bytes().decode("latin-1")):
        assert KEY not in told
        assert secret not in told
        assert "query-secret-value" not in told


@pytest.mark.parametrize("secret", ["short", "elevenchars", None])
def test_of_a_short_secret_nothing_is_shown(secret: str | None) -> None:
    assert hint_of(secret) == (None if secret is None else "…")


async def test_a_sealed_key_cannot_be_moved_to_another_connection(
    service: Connections, database: Database, user: User
) -> None:
    await add(service, user)
    await add(service, user, name="other", url="https://evil.example", key="sk-harmless-harmless-harmless")
    steal = "UPDATE connections SET key_sealed = (SELECT key_sealed FROM connections WHERE name = 'work')"
    await database.write(lambda conn: conn.execute(text(steal)).rowcount)
    with pytest.raises(Fault) as fault:
        await service.way(user, "other")
    assert fault.value.code == "sealed_text_damaged"


async def test_nobody_sees_or_uses_somebody_elses_connection(
    service: Connections, user: User, other: User
) -> None:
    added = await add(service, user)
    assert await names(service, other) == ["local"]
    for call in (service.get(other, "work"), service.way(other, "work"), service.remove(other, "work")):
        with pytest.raises(Refused) as fault:
            await call
        assert fault.value.code == "connection_unknown"
    await service.remove(user, "work")
    with pytest.raises(NotFound):
        await service.restore(other, added.id)
    await add(service, other, name="work")
    assert await names(service, other) == ["local", "work"]


async def test_an_unknown_connection_is_refused_with_those_that_there_are(
    service: Connections, user: User
) -> None:
    await add(service, user)
    with pytest.raises(Refused) as fault:
        await service.way(user, "wrok")
    assert fault.value.code == "connection_unknown"
    assert "local, work" in fault.value.hint


@pytest.mark.parametrize("name", ["", "a b", "a/b", "ä", "x" * 65, "a\n", "@", "{x}"])
async def test_a_name_is_letters_digits_and_three_signs(service: Connections, user: User, name: str) -> None:
    with pytest.raises(Refused) as fault:
        await add(service, user, name=name)
    assert fault.value.code == "connection_name"


@pytest.mark.parametrize("dialect", ["", "openai", "OPENAI-CHAT", "ollama"])
async def test_an_unknown_dialect_is_refused_with_those_that_there_are(
    service: Connections, user: User, dialect: str
) -> None:
    with pytest.raises(Refused, match="not a dialect") as fault:
        await add(service, user, dialect=dialect)
    assert (fault.value.code, "anthropic-messages" in fault.value.hint) == ("dialect_unknown", True)


@pytest.mark.parametrize(
    "url",
    ["", "api.example.org", "/v1", "ftp://x.example/v1", "file:///etc/passwd", "http://", "https:///v1",
     "https://me:pass@x.example/v1", "https://@x.example", "https://x.example/v1?key=1", "https://x.example/#a",
     "https://x.example:99999/", "https://x.example:port/", "https://x .example", "https://x.example/\nv1",
     "https://[::1/v1", "javascript:alert(1)", "https://x.example/" + "x" * 2000],
)  # fmt: skip
async def test_a_url_that_is_no_plain_base_is_refused(service: Connections, user: User, url: str) -> None:
    with pytest.raises(Refused) as fault:
        await add(service, user, url=url)
    assert fault.value.code == "connection_url"
    assert fault.value.hint
    assert "me:pass" not in str(fault.value)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://x.example/v1/", "https://x.example/v1"),
        ("  http://127.0.0.1:8080  ", "http://127.0.0.1:8080"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1"),
        ("https://x.example/v1/chat/completions", "https://x.example/v1"),
        ("https://x.example/v1/responses/", "https://x.example/v1"),
        ("https://x.example/v1/messages", "https://x.example"),
    ],
)
def test_a_url_is_kept_as_the_base(url: str, kept: str) -> None:
    assert checked_url(url) == kept


@pytest.mark.parametrize(
    "key", ["sk abc", "sk-abc\n", "\tsk", "sk-\x00", "sk-ä", "Bearer sk-abc", "s" * 8001]
)
async def test_a_key_that_was_copied_badly_is_refused_without_showing_it(
    service: Connections, user: User, key: str
) -> None:
    with pytest.raises(Refused) as fault:
        await add(service, user, key=key)
    assert fault.value.code == "connection_key"
    assert key.strip() not in str(fault.value)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"content-length": "1"},
        {"": "x"},
        {"a b": "x"},
        {"X": "a\r\nHost: evil"},
        {"X": "ä"},
    ],
)
async def test_a_header_that_cannot_be_sent_is_refused(
    service: Connections, user: User, headers: dict[str, str]
) -> None:
    with pytest.raises(Refused) as fault:
        await add(service, user, headers=headers)
    assert fault.value.code == "connection_header"


@pytest.mark.parametrize("query", [{"": "x"}, {"a": "b\n"}, {"a\r": "b"}])
async def test_a_query_value_that_cannot_be_sent_is_refused(
    service: Connections, user: User, query: dict[str, str]
) -> None:
    with pytest.raises(Refused) as fault:
        await add(service, user, query=query)
    assert fault.value.code == "connection_query"


async def test_nothing_that_a_user_types_is_expanded(
    service: Connections, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVER_SECRET", "leaked")
    await add(
        service,
        user,
        key="${SERVER_SECRET}",
        headers={"X": "$SERVER_SECRET"},
        url="https://x.example/${HOME}",
    )
    way = await service.way(user, "work")
    assert (way.key, way.headers, way.url) == (
        "${SERVER_SECRET}", {"X": "$SERVER_SECRET"}, "https://x.example/${HOME}",
    )  # fmt: skip


async def test_two_connections_of_a_user_cannot_have_one_name(service: Connections, user: User) -> None:
    await add(service, user)
    await add(service, user, name="home")
    for call in (add(service, user), service.change(user, "home", new_name="work")):
        with pytest.raises(Conflict) as fault:
            await call
        assert (fault.value.code, "work" in fault.value.detail) == ("connection_exists", True)


async def test_a_change_leaves_what_it_does_not_name(service: Connections, user: User) -> None:
    await add(service, user, headers={"X": "1"}, query={"v": "1"})
    changed = await service.change(user, "work", new_name="job", dialect="openai-responses")
    assert (changed.name, changed.dialect, changed.version) == ("job", "openai-responses", 2)
    way = await service.way(user, "job")
    assert (way.key, way.headers, way.query) == (KEY, {"X": "1"}, {"v": "1"})
    assert await service.get(user, "job") == changed
    without = await service.change(user, "job", key="", headers={}, query={})
    assert (without.key_hint, without.headers, without.query) == (None, (), {})
    assert (await service.way(user, "job")).key is None


@pytest.mark.parametrize(
    "url", ["https://evil.example/v1", "http://api.example.org/v1", "https://api.example.org:444/v1"]
)
async def test_a_key_never_goes_along_to_another_host(service: Connections, user: User, url: str) -> None:
    await add(service, user, headers={"X": "1"})
    for given in ({}, {"key": "sk-new"}):
        with pytest.raises(Refused) as fault:
            await service.change(user, "work", url=url, **given)
        assert fault.value.code == "connection_key_needed"
    assert (await service.way(user, "work")).url == URL
    await service.change(user, "work", url=url, key="sk-new", headers={})
    way = await service.way(user, "work")
    assert (way.url, way.key, way.headers) == (url, "sk-new", {})
    await service.change(user, "work", url=f"{url}/more")
    assert (await service.way(user, "work")).key == "sk-new"


def test_the_case_of_a_host_makes_no_difference() -> None:
    assert same_host("https://API.example.org/v1", "https://api.example.org/v2")


async def test_a_removed_connection_can_be_brought_back_unless_its_name_is_taken(
    service: Connections, user: User
) -> None:
    added = await add(service, user)
    assert await service.remove(user, "work") == added.id
    assert await names(service, user) == ["local"]
    await service.restore(user, added.id)
    assert (await service.way(user, "work")).key == KEY
    with pytest.raises(NotFound):
        await service.restore(user, added.id)
    await service.remove(user, "work")
    await add(service, user, key="sk-another-one-altogether")
    with pytest.raises(Conflict):
        await service.restore(user, added.id)
    assert (await service.way(user, "work")).key == "sk-another-one-altogether"


async def test_of_two_changes_at_once_none_is_lost_silently(
    service: Connections, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(service, user)
    read = ConnectionStore.named

    async def overtaken(store: ConnectionStore, owner: str, name: str) -> Any:
        row = await read(store, owner, name)
        monkeypatch.setattr(ConnectionStore, "named", read)
        await service.change(user, "work", dialect="openai-responses")
        return row

    monkeypatch.setattr(ConnectionStore, "named", overtaken)
    with pytest.raises(Conflict) as fault:
        await service.change(user, "work", new_name="job")
    assert fault.value.code == "connection_changed"
    assert (await service.get(user, "work")).dialect == "openai-responses"
