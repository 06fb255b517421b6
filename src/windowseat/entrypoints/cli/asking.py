"""One turn from the command line: send it, show it, decide about tools, stop it on Ctrl-C.

The turn lives in the house, not here: a command that is killed loses nothing. This file does not
parse options and does not open the house.
"""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from windowseat.core.errors import Fault, Refused
from windowseat.entrypoints.cli.client import Client
from windowseat.entrypoints.cli.printing import Printer

DONE, ENDED_IN_ERROR, WRONG_USE, NOT_REACHABLE, INTERRUPTED = 0, 1, 2, 3, 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, and how. `thread` None begins a new one."""

    text: str
    files: Sequence[Path] = ()
    thread: str | None = None
    temporary: bool = False
    model: str | None = None
    effort: str | None = None
    stream: bool = True
    approve: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The turn that was started, and how the command ends."""

    thread: str
    turn: str
    user_message: str | None
    message: str
    code: int


def ask(client: Client, question: Question, printer: Printer) -> Asked:
    """Run one turn to its end and show it. Raises the Fault of a turn that cannot be started."""
    started = client.send("POST", "/api/turns", _body(client, question))
    turn = started["turn"]
    after, code, stopped = 0, DONE, False
    while True:
        try:
            for event in client.follow(turn, after):
                after = event["n"]
                printer.show(event)
                if event["type"] == "approval_asked":
                    _decide(client, turn, event["call"], approve=question.approve)
                elif event["type"] == "turn_settled":
                    code = ENDED_IN_ERROR if event["stop_reason"] == "error" else DONE
            break
        except KeyboardInterrupt:
            if stopped:
                raise
            stopped = True
            client.send("POST", f"/api/turns/{turn}/cancel")
    return Asked(
        thread=started["thread"],
        turn=turn,
        user_message=started.get("user_message"),
        message=started["message"],
        code=INTERRUPTED if stopped else code,
    )


def messages_of(client: Client, asked: Asked) -> list[dict[str, Any]]:
    """The user's message and the answer, as they were kept."""
    listed = client.get(f"/api/threads/{asked.thread}/messages")["messages"]
    wanted = [asked.user_message, asked.message]
    return sorted((m for m in listed if m["id"] in wanted), key=lambda m: wanted.index(m["id"]))


def _body(client: Client, question: Question) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    for path in question.files:
        file = client.upload(path)
        kind = file["media_type"].partition("/")[0]
        parts.append(
            {
                "type": kind if kind in ("image", "audio", "video") else "file",
                "media_type": file["media_type"],
                "file": file["file"],
                "name": file["name"],
            }
        )
    if question.text:
        parts.append({"type": "text", "text": question.text})
    if not parts:
        raise Refused("message_empty", "There is nothing to ask.", hint="Write a question, or pipe one in.")
    options: dict[str, Any] = {}
    if question.effort:
        options["effort"] = question.effort
    if not question.stream:
        options["stream"] = False
    body: dict[str, Any] = {"id": str(uuid.uuid4()), "parts": parts, "options": options}
    if question.model:
        body["model"] = question.model
    if question.thread is None:
        body["new"] = {"temporary": question.temporary}
        return body
    thread = client.get(f"/api/threads/{question.thread}")
    return {**body, "thread": thread["id"], "parent": thread["tip"]}


def _decide(client: Client, turn: str, call: str, *, approve: bool) -> None:
    """Approve, deny, or ask the person at the terminal; in a pipe nobody can be asked."""
    if approve:
        decision: dict[str, Any] = {"decision": "once"}
    elif not (sys.stdin.isatty() and sys.stderr.isatty()):
        decision = {"decision": "deny", "reason": "Nobody was there to allow it."}
    else:
        decision = _asked_at_the_terminal(client, turn, call)
    try:
        client.send("POST", f"/api/turns/{turn}/approve", {"call": call, **decision})
    except Fault as fault:
        if fault.code != "approval_not_asked":  # another device was quicker
            raise


def _asked_at_the_terminal(client: Client, turn: str, call: str) -> dict[str, Any]:
    parts = client.get(f"/api/turns/{turn}")["message"]["parts"]
    wanted = next(part for part in parts if part["type"] == "tool_call" and part["id"] == call)
    shown = json.dumps(wanted["arguments"], ensure_ascii=False, indent=2)
    click.secho(f"\n{wanted['name']} wants to run with\n{shown}", bold=True, err=True)
    while True:
        key = click.prompt("[y]es once, this [t]hread, [a]lways, [e]dit, [n]o", default="y", err=True)
        answer = str(key).strip().lower()[:1]
        if answer in ("y", "t", "a"):
            return {"decision": {"y": "once", "t": "thread", "a": "always"}[answer]}
        if answer == "n":
            reason = click.prompt("Why (the model reads it; empty for no reason)", default="", err=True)
            return {"decision": "deny", **({"reason": reason} if reason else {})}
        if answer == "e":
            edited = click.edit(shown, extension=".json")
            try:
                return {"decision": "once", "arguments": json.loads(edited if edited is not None else shown)}
            except ValueError as error:
                click.secho(f"That is no JSON: {error}", fg="yellow", err=True)
