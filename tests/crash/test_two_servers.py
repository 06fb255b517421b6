"""Two servers on one home: one serves, the other says so and ends."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from windowseat.testing.serving import ServerProcess

SETTINGS = {"default_model": "nowhere/none"}


def first_to_end(servers: list[ServerProcess]) -> ServerProcess:
    for _ in range(1000):
        for server in servers:
            if server.process is not None and server.process.poll() is not None:
                return server
        time.sleep(0.02)
    raise AssertionError("both servers serve one home")


@pytest.mark.parametrize("at_once", [True, False])
def test_the_second_server_ends_with_3_and_the_address_of_the_first(tmp_path: Path, at_once: bool) -> None:
    servers = [ServerProcess(home=tmp_path / "home", settings=SETTINGS, name=name) for name in ("a", "b")]
    try:
        for server in servers:
            server.start()
            if not at_once:
                servers[0].wait_until_ready()
        second = first_to_end(servers)
        first = next(server for server in servers if server is not second)
        first.wait_until_ready()
        assert second.process is not None
        assert second.process.returncode == 3
        address = re.search(r"http://127\.0\.0\.1:\d+", first.printed())
        assert address is not None
        assert address[0] in second.printed()
        assert f"process {first.pid}" in second.printed()
    finally:
        for server in servers:
            server.end()


def test_a_server_that_is_killed_leaves_the_home_to_the_next_at_once(tmp_path: Path) -> None:
    server = ServerProcess(home=tmp_path / "home", settings=SETTINGS)
    try:
        server.start()
        server.wait_until_ready()
        server.kill()
        server.start()
        server.wait_until_ready()
        assert server.stop() == 0
    finally:
        server.end()
