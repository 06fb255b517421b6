"""Secrets at rest: nothing opens without the right key, and a lost or wrong key says so."""

from __future__ import annotations

import base64
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from windowseat.core.errors import Fault
from windowseat.platform.secrets import Secrets, hash_token, is_token, new_token


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return tmp_path / "connections.key"


def code_of(secrets: Secrets, sealed: str, about: str = "") -> str:
    with pytest.raises(Fault) as fault:
        secrets.open(sealed, about)
    assert "words" not in str(fault.value)
    return fault.value.code


def test_a_sealed_text_opens_also_after_a_restart_and_tells_nothing(key_file: Path) -> None:
    secrets = Secrets(key_file)
    assert secrets.fingerprint is None
    sealed = secrets.seal("sk-private-words-é", "connection:1")
    assert Secrets(key_file).open(sealed, "connection:1") == "sk-private-words-é"
    assert "private" not in sealed
    assert b"private" not in base64.urlsafe_b64decode(sealed.rpartition(":")[2])
    assert secrets.seal("sk-private-words-é", "connection:1") != sealed
    assert secrets.fingerprint == Secrets(key_file).fingerprint == sealed.split(":")[1]
    key = key_file.read_text().strip()
    assert key not in repr(secrets) + sealed
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert [path.name for path in key_file.parent.iterdir()] == ["connections.key"]


def test_reading_makes_no_key(key_file: Path) -> None:
    assert code_of(Secrets(key_file), "1:aa:bb") == "key_file_lost"
    assert not key_file.exists()


def test_another_key_or_none_is_told_at_start_and_at_use(key_file: Path) -> None:
    secrets = Secrets(key_file)
    sealed = secrets.seal("words")
    known = secrets.fingerprint
    secrets.check(known)
    Secrets(key_file).check(None)
    key_file.unlink()
    with pytest.raises(Fault) as fault:
        Secrets(key_file).check(known)
    assert fault.value.code == "key_file_lost"
    Secrets(key_file).seal("other")
    with pytest.raises(Fault) as fault:
        Secrets(key_file).check(known)
    assert fault.value.code == "key_file_wrong"
    assert "WINDOWSEAT_KEY_FILE" in fault.value.hint
    assert code_of(Secrets(key_file), sealed) == "key_file_wrong"


def test_a_sealed_text_that_was_changed_or_moved_does_not_open(key_file: Path) -> None:
    secrets = Secrets(key_file)
    sealed = secrets.seal("words", "connection:1")
    assert code_of(secrets, sealed, "connection:2") == "sealed_text_damaged"
    head, _, body = sealed.rpartition(":")
    for other in ("A" if body[0] != "A" else "B") + body[1:], body[:8], "", "!":
        assert code_of(secrets, f"{head}:{other}", "connection:1") == "sealed_text_damaged"
    assert code_of(secrets, "2" + sealed[1:], "connection:1") == "sealed_text_damaged"
    assert code_of(secrets, "words") == "sealed_text_damaged"
    assert secrets.open(sealed, "connection:1") == "words"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o777])
def test_a_key_file_open_to_others_is_refused(key_file: Path, mode: int) -> None:
    sealed = Secrets(key_file).seal("words")
    key_file.chmod(mode)
    assert code_of(Secrets(key_file), sealed) == "key_file_open_to_others"
    key_file.chmod(0o400)
    assert Secrets(key_file).open(sealed) == "words"


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 32, base64.b64encode(b"x" * 31)])
def test_a_file_that_holds_no_key_is_told_and_kept(key_file: Path, content: bytes) -> None:
    key_file.write_bytes(content)
    key_file.chmod(0o600)
    with pytest.raises(Fault) as fault:
        Secrets(key_file).seal("words")
    assert fault.value.code == "key_file_unreadable"
    assert key_file.read_bytes() == content


def test_a_key_file_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    with pytest.raises(Fault) as fault:
        Secrets(tmp_path / "missing" / "key").seal("words")
    assert fault.value.code == "key_file_not_made"
    (tmp_path / "folder").mkdir()
    with pytest.raises(Fault) as fault:
        Secrets(tmp_path / "folder").seal("words")
    assert fault.value.code == "key_file_unreadable"


def test_processes_that_need_a_first_key_at_once_agree_on_one(key_file: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from windowseat.platform.secrets import Secrets;"
        "sys.stdin.readline(); print(Secrets(Path(sys.argv[1])).seal('words'), flush=True)"
    )
    command = [sys.executable, "-c", program, str(key_file)]
    children = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
    sealed = [child.communicate()[0].strip() for child in children]
    assert [Secrets(key_file).open(one) for one in sealed] == ["words"] * 4


def test_tokens_are_long_different_and_known_by_their_hash_alone() -> None:
    tokens = {new_token("wsk_") for _ in range(100)}
    assert len(tokens) == 100
    token = tokens.pop()
    assert token.startswith("wsk_")
    assert len(token) == 47
    kept = hash_token(token)
    assert len(kept) == 64
    assert token[4:] not in kept
    assert is_token(token, kept)
    assert not is_token(token + "x", kept)
    assert not is_token("é", kept)
    assert hash_token("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
