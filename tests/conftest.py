"""What holds for every test: nothing of the user's is touched, nothing outside this machine is reached.

Each test gets a home of its own (made by whoever uses it) and no keys, proxies or settings of the person
who runs it. A connection or look-up beyond loopback fails the test. Fixtures name the two things that
lie outside the tests, the recordings and the first model; tests that miss one are named at the end of
the run with the reason, so that a green run never hides them.

The guard sees what goes through Python's own sockets in this process; processes that a test starts are
given loopback addresses by that test. This file holds no fakes: those are in `windowseat.testing`.
"""

from __future__ import annotations

import ipaddress
import itertools
import os
import socket
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

PROJECT = Path(__file__).resolve().parent.parent
RECORDINGS = Path(os.environ.get("WINDOWSEAT_RECORDINGS") or PROJECT.parent / "shared" / "recordings")
CACHED_MODELS = PROJECT / ".cache" / "models"

_test_numbers = itertools.count(1)

# How long an example takes says something of the machine, and nothing of what it tries.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


# --- nothing of the user's ---


@pytest.fixture(scope="session")
def person(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder that stands for the home folder of whoever runs the tests."""
    return tmp_path_factory.mktemp("person")


@pytest.fixture(autouse=True)
def own_surroundings(person: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Points every path that is derived from the user at an empty folder; forgets keys and proxies."""
    for name in list(os.environ):
        upper = name.upper()
        if upper.startswith("WINDOWSEAT_") or upper.endswith(("_API_KEY", "_PROXY")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(person))
    monkeypatch.setenv("USERPROFILE", str(person))
    for kind in ("CACHE", "CONFIG", "DATA", "RUNTIME", "STATE"):
        suffix = "DIR" if kind == "RUNTIME" else "HOME"
        monkeypatch.setenv(f"XDG_{kind}_{suffix}", str(person / kind.lower()))
    monkeypatch.setenv("WINDOWSEAT_HOME", str(person / f"home-{next(_test_numbers)}"))


# --- nothing outside this machine ---


class NetworkBarred(BaseException):
    """A test reached beyond loopback. Not an Exception, so that no handler takes it for a dead network."""


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return None


def _guard(event: str, arguments: tuple[Any, ...]) -> None:
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        target = arguments[-1]
        if not isinstance(target, tuple) or target[0] in {"", "localhost"}:
            return  # a socket file, or this machine
        address = _address(target[0])
        if address is None or not address.is_loopback:
            raise NetworkBarred(f"{event} to {target[0]}: tests stay on this machine")
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        name = arguments[0].decode("ascii") if isinstance(arguments[0], bytes) else arguments[0]
        if name in {None, "", "localhost"} or _address(name):
            return
        if name.endswith(".invalid"):  # reserved for names that never resolve (RFC 6761)
            raise socket.gaierror(socket.EAI_NONAME, "this name never resolves")
        raise NetworkBarred(f"look-up of {name}: tests stay on this machine")


sys.addaudithook(_guard)  # process-wide and for good, as no test may lift it


# --- what lies outside the tests ---


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of recorded provider exchanges, one gzipped JSON Lines file per dialect."""
    if not RECORDINGS.is_dir():
        pytest.skip(f"no recorded exchanges at {RECORDINGS} (WINDOWSEAT_RECORDINGS names another folder)")
    return RECORDINGS


@pytest.fixture(scope="session")
def first_model() -> Path:
    """The GGUF file of the model that is there from the start, in a cache that only tests use."""
    from windowseat.features.local_models.catalogue import SMOLLM2

    model = CACHED_MODELS / SMOLLM2.file_name
    if not model.is_file():
        pytest.skip(f"{model} is missing (`make test` fetches it, and says why when it cannot)")
    return model


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names every test that could not run, under its reason."""
    missed = defaultdict(list)
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        missed[reason.removeprefix("Skipped: ")].append(report.nodeid)
    for reason, tests in missed.items():
        terminalreporter.section(f"not run: {reason}")
        for test in tests:
            terminalreporter.write_line(f"  {test}")
