"""Who owns a home is known from a real lock: it ends with its process, and no child keeps it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from windowseat.core.errors import Fault
from windowseat.platform.process_lock import ProcessLock

HOLD = """
import subprocess, sys, time
from pathlib import Path
from windowseat.platform.process_lock import ProcessLock
lock = ProcessLock(Path(sys.argv[1]))
print(lock.acquire(kind="ask"), flush=True)
if sys.argv[2] == "with-child":
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], close_fds=False,
                             stdout=subprocess.DEVNULL)
    print(child.pid, flush=True)
time.sleep(60)
"""


@contextmanager
def holder(path: Path, how: str = "alone") -> Iterator[subprocess.Popen[str]]:
    """A real process that holds the lock; it is killed at the end."""
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(path), how], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == "True\n"
        yield child
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "process.lock"


def test_the_owner_is_told_by_its_facts_and_nobody_owns_a_free_lock(path: Path) -> None:
    mine, other = ProcessLock(path), ProcessLock(path)
    assert mine.owner() is None
    assert mine.acquire(kind="serve")
    assert mine.held
    assert other.owner() == {"pid": os.getpid(), "kind": "serve"}
    mine.tell(address="http://127.0.0.1:8321")
    assert (
        other.owner()
        == mine.owner()
        == {
            "pid": os.getpid(),
            "kind": "serve",
            "address": "http://127.0.0.1:8321",
        }
    )
    assert not other.acquire()
    mine.release()
    mine.release()
    assert other.owner() is None
    assert other.acquire(kind="ask")
    assert mine.owner() == {"pid": os.getpid(), "kind": "ask"}
    other.release()


def test_another_process_is_seen_and_kill_9_frees_the_lock_at_once(path: Path) -> None:
    lock = ProcessLock(path)
    with holder(path) as child:
        assert lock.owner() == {"pid": child.pid, "kind": "ask"}
        assert not lock.acquire()
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        assert lock.owner() is None
        assert lock.acquire(kind="serve")
        assert lock.owner() == {"pid": os.getpid(), "kind": "serve"}
    lock.release()


def test_a_process_that_is_stopped_keeps_its_lock(path: Path) -> None:
    lock = ProcessLock(path)
    with holder(path) as child:
        os.kill(child.pid, signal.SIGSTOP)
        assert not lock.acquire(wait=0.3)
        assert lock.owner() == {"pid": child.pid, "kind": "ask"}


def test_a_program_that_the_owner_started_does_not_keep_the_lock(path: Path) -> None:
    lock = ProcessLock(path)
    with holder(path, "with-child") as owner:
        assert owner.stdout is not None
        grandchild = int(owner.stdout.readline())
        try:
            os.kill(owner.pid, signal.SIGKILL)
            owner.wait()
            os.kill(grandchild, 0)
            assert lock.acquire()
        finally:
            os.kill(grandchild, signal.SIGKILL)
    lock.release()


def test_waiting_ends_when_the_owner_goes_or_the_time_is_over(path: Path) -> None:
    owner, waiting = ProcessLock(path), ProcessLock(path)
    assert owner.acquire()
    begun = time.monotonic()
    assert not waiting.acquire(wait=0.3)
    assert 0.3 <= time.monotonic() - begun < 2
    threading.Timer(0.2, owner.release).start()
    assert waiting.acquire(wait=10)
    assert time.monotonic() - begun < 5
    waiting.release()


def test_of_many_processes_one_gets_the_lock_while_others_ask_for_the_owner(path: Path) -> None:
    program = """
import sys, time
from pathlib import Path
from windowseat.platform.process_lock import ProcessLock
lock = ProcessLock(Path(sys.argv[1]))
for _ in range(50):
    lock.owner()
print(lock.acquire(), flush=True)
sys.stdin.read()
"""
    command = [sys.executable, "-c", program, str(path)]
    children = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(5)
    ]
    answers = [child.stdout.readline() for child in children if child.stdout]
    assert sorted(answers) == ["False\n"] * 4 + ["True\n"]
    for child in children:
        child.communicate("")


def test_asking_for_the_owner_never_makes_a_free_lock_seem_taken(path: Path) -> None:
    path.touch()
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            ProcessLock(path).owner()

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        for _ in range(50):
            with ProcessLock(path) as lock:
                assert lock.acquire()
    finally:
        done.set()
        asking.join()


def test_a_dead_owners_facts_are_not_told_of_the_next_owner(path: Path) -> None:
    with holder(path) as child:
        stale = path.read_bytes()
    next_owner = ProcessLock(path)
    assert next_owner.acquire(kind="serve")
    path.write_bytes(stale)
    assert ProcessLock(path).owner() == {}
    threading.Timer(0.05, next_owner.tell).start()
    assert ProcessLock(path).owner() == {"pid": os.getpid(), "kind": "serve"}
    assert child.pid != os.getpid()
    next_owner.release()


def test_a_lock_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    with pytest.raises(Fault) as fault:
        ProcessLock(tmp_path / "missing" / "process.lock").acquire()
    assert fault.value.code == "home_not_writable"
    assert ProcessLock(tmp_path / "missing" / "process.lock").owner() is None
