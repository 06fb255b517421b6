"""The guards around all tests hold: no user's files, no network beyond this machine."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest


def barred(call: object, *arguments: object) -> str:
    """The name of what the call raised."""
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - the guard's own class lives in conftest.py
        call(*arguments)  # type: ignore[operator]
    return type(caught.value).__name__


@pytest.mark.parametrize("host", ["192.0.2.1", "10.0.0.1", "8.8.8.8"])
def test_a_connection_beyond_loopback_fails_the_test(host: str) -> None:
    with socket.socket() as outward:
        assert barred(outward.connect, (host, 9)) == "NetworkBarred"
        assert barred(outward.connect_ex, (host, 9)) == "NetworkBarred"


def test_a_look_up_of_a_name_fails_the_test() -> None:
    assert barred(socket.getaddrinfo, "example.com", 443) == "NetworkBarred"


def test_a_name_that_never_resolves_does_not_resolve() -> None:
    assert barred(socket.getaddrinfo, "provider.invalid", 443) == "gaierror"


def test_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.connect(("localhost", server.getsockname()[1]))
        assert client.getpeername() == server.getsockname()


def test_the_users_home_is_an_empty_folder(person: Path) -> None:
    assert Path.home() == person
    assert Path(os.environ["WINDOWSEAT_HOME"]).parent == person
    assert not Path(os.environ["WINDOWSEAT_HOME"]).exists()


def test_no_key_or_proxy_of_the_users_is_seen() -> None:
    assert [name for name in os.environ if name.upper().endswith(("_API_KEY", "_PROXY"))] == []
