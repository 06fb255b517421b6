"""Decoders and encoders under answers that nobody meant to send: a second in every run, an hour in the long.

FUZZ_SECONDS in the environment sets how long the long run takes, all dialects together; FUZZ_SEED repeats
what chance did. Each dialect has a process of its own, so that its memory can be told.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from windowseat.core.model import DIALECTS

PROJECT = Path(__file__).parents[3]
SECONDS = float(os.environ.get("FUZZ_SECONDS") or 3600)
SEED = int(os.environ.get("FUZZ_SEED") or random.SystemRandom().randrange(10**6))
GROWTH = 64 * 1024 * 1024
"""Bytes that a process may take while it reads hundreds of thousands of answers; what is kept grows on."""


def fuzzed(dialect: str, seconds: float) -> dict[str, Any]:
    """What the run tells at its end; its errors name the case and the seed."""
    command = [sys.executable, "-m", "tests.features.providers.fuzzing", dialect, str(seconds), str(SEED)]
    done = subprocess.run(
        command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=seconds * 1.5 + 120
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.mark.parametrize("dialect", DIALECTS)
def test_some_damaged_answers_settle_or_end_in_a_fault(dialect: str) -> None:
    assert fuzzed(dialect, 1)["cases"] > 300


@pytest.mark.long
@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_hour_of_damaged_answers_settle_or_end_in_a_fault_and_nothing_is_kept(dialect: str) -> None:
    told = fuzzed(dialect, SECONDS / len(DIALECTS))
    assert {"end", "tool_call", "provider_unreadable"} <= set(told["ends"])
    assert told["grown"] < GROWTH
