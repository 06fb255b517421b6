"""The command line's way to the house: plain HTTP over the home's socket, also when the house is our own.

Every command speaks to the same interface that the page does. Faults come back as the faults they
were. It opens no port and knows no route by itself; the commands do.
"""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from windowseat.core.errors import Conflict, Fault, NotAllowed, NotFound, Refused

_PATIENCE = 10.0
"""Seconds for which a house that went away in the middle of an answer is waited for."""


class _SocketConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.sock.connect(str(self._path))
        except OSError:
            self.sock.close()
            raise


class Client:
    """Requests to the house behind one socket.

    >>> Client(path).get("/api/threads")["threads"]
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def answers(self) -> bool:
        """Whether somebody is there."""
        try:
            self.get("/healthz")
        except Fault:
            return False
        return True

    def get(self, path: str) -> Any:
        """The JSON at this path. Raises the Fault that the house answered with."""
        return self._json("GET", path, None, {})

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """Send JSON, read JSON. Raises the Fault that the house answered with."""
        data = None if body is None else json.dumps(body).encode()
        return self._json(method, path, data, {"Content-Type": "application/json"})

    def upload(self, file: Path) -> Any:
        """Send a file's bytes. Raises Refused `file_unreadable`, and what the house answered with."""
        try:
            size = file.stat().st_size
            with file.open("rb") as content:
                headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
                return self._json("POST", f"/api/files?name={quote(file.name)}", content, headers)
        except OSError as error:
            raise Refused(
                "file_unreadable", f"{file}: {error.strerror}.", hint="Name another file."
            ) from None

    def follow(self, turn: str, after: int = 0) -> Iterator[dict[str, Any]]:
        """The turn's events after number `after` until it settles, through restarts of the house.

        Raises Fault `not_reachable` when the house stays away, and what keeps it from writing the turn.
        """
        waits_until: float | None = None
        while True:
            try:
                for event in self._stream(f"/api/turns/{turn}/events?after={after}"):
                    waits_until = None
                    after = event["n"]
                    yield event
                    if event["type"] == "turn_settled":
                        return
            except Fault as fault:
                if fault.code != "not_reachable":
                    raise
            waits_until = waits_until or time.monotonic() + _PATIENCE
            if time.monotonic() > waits_until:
                raise _away()
            time.sleep(0.1)

    def _stream(self, path: str) -> Iterator[dict[str, Any]]:
        connection, response = self._open("GET", path, None, {})
        named = b""
        try:
            for line in response:
                if line.startswith(b"event:"):
                    named = line[6:].strip()
                elif line.startswith(b"data:") and named == b"problem":
                    raise _fault(500, line[5:])
                elif line.startswith(b"data:"):
                    yield json.loads(line[5:])
        except (OSError, http.client.HTTPException):
            return
        finally:
            connection.close()

    def _json(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        connection, response = self._open(method, path, body, headers)
        try:
            data = response.read()
        except (OSError, http.client.HTTPException):
            raise _away() from None
        finally:
            connection.close()
        return json.loads(data) if data else None

    def _open(
        self, method: str, path: str, body: Any, headers: dict[str, str]
    ) -> tuple[_SocketConnection, http.client.HTTPResponse]:
        connection = _SocketConnection(self._path)
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise _away() from None
        if response.status >= 400:
            try:
                raise _fault(response.status, response.read())
            finally:
                connection.close()
        return connection, response


def _away() -> Fault:
    return Fault(
        "not_reachable",
        "Nobody answers at the home's socket.",
        hint="Start it with `windowseat serve`; an answer that was cut goes on when it is back.",
    )


def _fault(status: int, body: bytes) -> Fault:
    """The fault that a problem+json body tells of."""
    try:
        problem = json.loads(body)
        code, detail, hint = problem["code"], problem["detail"], problem.get("hint", "")
        status = problem.get("status", status)
    except (ValueError, KeyError, TypeError):
        return Fault("answer_unreadable", f"The house answered {status}.", hint="See what `serve` printed.")
    kinds: dict[int, type[Fault]] = {401: NotAllowed, 403: NotAllowed, 404: NotFound, 409: Conflict}
    kind = kinds.get(status, Refused if status < 500 else Fault)
    return kind(code, detail, hint=hint, status=status)
