"""Secrets: keys of connections encrypted at rest, and tokens of which only a hash is kept.

The key that encrypts lies in a file outside of the database, so that neither alone gives anything away.
Nothing here decides who may do what, and no secret shows in a repr or an error.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path

from windowseat.core.errors import Fault

_KEY_BYTES = 32
_NONCE_BYTES = 12


class Secrets:
    """Seals texts with the key of one file: AES-256-GCM, a fresh nonce each.

    `about` says what a text is for (`"connection:ID"`); it is not stored, and a sealed text opens only
    with the same one, so that it cannot be moved to another row.
    A sealed text: `1:FINGERPRINT:BASE64URL(nonce and ciphertext)`.
    """

    def __init__(self, key_file: Path) -> None:
        self.key_file = key_file
        self._key: bytes | None = None

    @property
    def fingerprint(self) -> str | None:
        """16 hexadecimal digits that stand for the key and do not tell it; None while there is no file."""
        key = self._load()
        return None if key is None else _fingerprint(key)

    def check(self, known: str | None) -> None:
        """At start: whether this key is the one whose fingerprint the database keeps (None: it keeps none).

        Raises Fault `key_file_lost`, `key_file_wrong`, `key_file_open_to_others`, `key_file_unreadable`.
        """
        found = self.fingerprint
        if known is None or found == known:
            return
        raise self._lost() if found is None else self._wrong()

    def seal(self, text: str, about: str = "") -> str:
        """Encrypt; the key file is made (0600, on the disk before this returns) when there is none."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = self._load() or self._make()
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(key).encrypt(nonce, text.encode(), about.encode())
        return f"1:{_fingerprint(key)}:{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, about: str = "") -> str:
        """Decrypt. Raises Fault `key_file_lost`, `key_file_wrong`, or `sealed_text_damaged`."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key = self._load()
        if key is None:
            raise self._lost()
        try:
            version, fingerprint, body = sealed.split(":")
            content = base64.urlsafe_b64decode(body)
        except ValueError:
            raise _damaged() from None
        if fingerprint != _fingerprint(key):
            raise self._wrong()
        try:
            if version != "1":
                raise _damaged()
            return (
                AESGCM(key).decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], about.encode()).decode()
            )
        except (InvalidTag, ValueError):
            raise _damaged() from None

    def fits(self, sealed: str) -> bool:
        """Whether a sealed text was sealed with this key, by its fingerprint; False where there is no key."""
        try:
            return sealed.split(":")[1:2] == [self.fingerprint]
        except Fault:
            return False

    def _load(self) -> bytes | None:
        if self._key is not None:
            return self._key
        try:
            with self.key_file.open("rb") as file:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                content = file.read(200)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unreadable(error.strerror or str(error)) from error
        if mode & 0o077:
            raise Fault(
                "key_file_open_to_others",
                f"The key file {self.key_file} can be read by other users (mode {mode:04o}).",
                hint=f"Run: chmod 600 {self.key_file}",
            )
        self._key = self._decode(content)
        return self._key

    def _decode(self, content: bytes) -> bytes:
        try:
            key = base64.b64decode(content.strip(), altchars=b"-_", validate=True)
        except ValueError:
            key = b""
        if len(key) != _KEY_BYTES:
            raise self._unreadable("it does not hold a key")
        return key

    def _make(self) -> bytes:
        # A link fails where another process was first, and then that one's key is ours too.
        key = secrets.token_bytes(_KEY_BYTES)
        partial = self.key_file.with_name(f".{self.key_file.name}.{secrets.token_hex(8)}")
        try:
            with os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                file.write(base64.urlsafe_b64encode(key) + b"\n")
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(partial, self.key_file)
            except FileExistsError:
                key = b""
            finally:
                partial.unlink()
            folder = os.open(self.key_file.parent, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
        except OSError as error:
            raise Fault(
                "key_file_not_made",
                f"The key file {self.key_file} could not be made: {error.strerror}.",
                hint="Give this user the right to write there and see whether the disk has room.",
            ) from error
        self._key = key or self._load()
        assert self._key is not None
        return self._key

    def _lost(self) -> Fault:
        return Fault(
            "key_file_lost",
            f"The key file {self.key_file} is gone; the keys of the connections cannot be read.",
            hint="Put the file back from a backup, or enter the keys of the connections again.",
        )

    def _wrong(self) -> Fault:
        return Fault(
            "key_file_wrong",
            f"The key file {self.key_file} is not the one that the keys of the connections were sealed with.",
            hint="Put the right file back (WINDOWSEAT_KEY_FILE names another), or enter the keys again.",
        )

    def _unreadable(self, reason: str) -> Fault:
        return Fault(
            "key_file_unreadable",
            f"The key file {self.key_file} cannot be read: {reason}.",
            hint="Put the file back from a backup, owned by the user who runs this program.",
        )


def _fingerprint(key: bytes) -> str:
    return hashlib.sha256(b"windowseat key fingerprint" + key).hexdigest()[:16]


def _damaged() -> Fault:
    return Fault(
        "sealed_text_damaged",
        "A stored key was changed since it was sealed, or belongs to another connection.",
        hint="Enter the key of that connection again.",
    )


def new_token(prefix: str = "") -> str:
    """A token that nobody can guess: `prefix` and 43 characters (256 random bits), safe within a URL."""
    return prefix + secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """What is kept of a token: SHA-256, 64 hexadecimal digits.

    A plain hash is enough, as the token is random and long; it would be too little for a password.
    """
    return hashlib.sha256(token.encode()).hexdigest()


def is_token(token: str, kept: str) -> bool:
    """Whether a token is the one of which `kept` is the hash; takes as long for each wrong one."""
    return hmac.compare_digest(hash_token(token), kept)
