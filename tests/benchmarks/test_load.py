"""The load client and the raw relay measure what is there: every word, none twice, errors as errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@contextmanager
def listening(*command: str) -> Iterator[str]:
    """A program that prints its address first and serves until it is told to stop."""
    server = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.communicate()


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    with listening("-m", "windowseat.testing.provider") as url:
        yield url.removesuffix("/v1")


def load(url: str, model: str, *more: str) -> tuple[int, dict[str, Any]]:
    ran = subprocess.run(
        [sys.executable, str(BENCHMARKS / "load.py"), "--url", url, "--model", model, *more],
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.returncode, json.loads(ran.stdout)


@pytest.mark.parametrize("kind", ["protocols", "streams"])
def test_every_word_comes_through_the_raw_relay_and_is_counted_once(provider: str, kind: str) -> None:
    relay = (str(BENCHMARKS / "raw_relay.py"), "--upstream", provider, "--with", kind)
    options = ("--streams", "5", "--seconds", "0.1", "--spread", "0", "--pid", str(os.getpid()))
    with listening(*relay) as url:
        status, report = load(url, "paced-100tps-30tok-50ttft-stamps", *options)
    assert (status, report["errors"], report["answers"], report["tokens"]) == (0, 0, 5, 150)
    assert 50 <= report["first_token_ms"]["p50"] < 500
    assert 0 < report["lag_ms"]["p50"] <= report["lag_ms"]["max"] < 500
    assert report["cpu_seconds"][str(os.getpid())] >= 0


def test_a_server_that_refuses_is_an_error_and_no_answer(provider: str) -> None:
    status, report = load(provider, "nobody", "--seconds", "0.1")
    assert (status, report["answers"], report["tokens"]) == (1, 0, 0)
    assert "404" in report["first_errors"][0]


def test_a_server_that_is_not_there_is_an_error() -> None:
    status, report = load("http://127.0.0.1:1", "paced-stamps", "--seconds", "0.1")
    assert (status, report["answers"]) == (1, 0)
    assert report["first_errors"]
