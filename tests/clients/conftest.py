"""The providers' own clients, in a folder of their own: made once through whatever index pip is set to.

They are no dependency of the project. Where the index cannot be reached, the tests that need them are listed
as not run, with pip's own words.
"""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
LOCK = Path(__file__).parent / "requirements.lock"
FOLDER = PROJECT / ".cache" / "clients" / "validators"
_SECONDS = 300


@pytest.fixture(scope="session")
def clients_python() -> Path:
    """The Python that can import openai, anthropic and google.genai, in the locked versions."""
    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    with FOLDER.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs of the tests may start at once
        return _installed(FOLDER, f"{sys.version} {hashlib.sha256(LOCK.read_bytes()).hexdigest()} {FOLDER}")


def _installed(folder: Path, key: str) -> Path:
    python, stamp = folder / "bin" / "python", folder / "stamp"
    if stamp.is_file() and stamp.read_text("utf-8") == key:
        return python
    install = [
        "-m",
        "pip",
        "install",
        "-qq",
        "--disable-pip-version-check",
        "--require-hashes",
        "-r",
        str(LOCK),
    ]
    for command in ([sys.executable, "-m", "venv", "--clear", str(folder)], [str(python), *install]):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_SECONDS)
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines() or ["no reason was given"]
            pytest.skip(f"the providers' clients could not be installed: {said[-1]}")
    stamp.write_text(key, "utf-8")
    return python
