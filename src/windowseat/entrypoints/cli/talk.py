"""The commands for talking: `ask` one question, `chat` back and forth, look at `threads`, `show` one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from windowseat.core.errors import Fault
from windowseat.core.model import Effort
from windowseat.entrypoints.cli.asking import Asked, Question, ask, messages_of
from windowseat.entrypoints.cli.client import Client
from windowseat.entrypoints.cli.printing import JsonLines, Printer, Words
from windowseat.entrypoints.cli.reach import house

_EFFORTS = click.Choice(list(Effort.__args__))  # type: ignore[attr-defined]
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)

model_option = click.option("-m", "--model", help="CONNECTION/MODEL; the default model where none is named.")
effort_option = click.option("--effort", type=_EFFORTS, help="How long the model may think.")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
approve_option = click.option("--approve", is_flag=True, help="Allow every tool call of this turn.")


@click.command(name="ask")
@click.argument("text", nargs=-1, required=True)
@model_option
@click.option("-f", "--file", "files", multiple=True, type=_FILE, help="Send a file along; may be repeated.")
@click.option("-t", "--thread", help="Go on in this thread; a new one begins where none is named.")
@effort_option
@click.option("--temporary", is_flag=True, help="Keep nothing of it on disk.")
@click.option("--no-stream", is_flag=True, help="Ask the provider for one whole answer.")
@json_option
@approve_option
def ask_command(text: tuple[str, ...], as_json: bool, no_stream: bool, **options: Any) -> None:
    """Ask TEXT and print the answer; "-" stands for what is piped in.

    Ctrl-C stops the answer and keeps what came.
    """
    words = "\n\n".join(sys.stdin.read() if piece == "-" else piece for piece in text).strip()
    question = Question(text=words, stream=not no_stream, **options)
    printer: Printer = JsonLines() if as_json else Words()
    with house("ask", asks_model=True, needs_model=question.model) as client:
        asked = ask(client, question, printer)
        if as_json:
            messages = messages_of(client, asked)
            settled = {"type": "settled", "thread": asked.thread, "turn": asked.turn, "messages": messages}
            click.echo(json.dumps(settled, ensure_ascii=False))
    raise SystemExit(asked.code)


@click.command(name="chat")
@click.argument("thread", required=False)
@model_option
@effort_option
@click.option("--temporary", is_flag=True, help="Keep nothing of it on disk.")
@approve_option
def chat_command(thread: str | None, model: str | None, **options: Any) -> None:
    """Talk back and forth, in a new thread or in THREAD. /help lists what can be typed."""
    _history()
    with house("chat", asks_model=True, needs_model=model) as client:
        if thread is not None:
            for message in _branch(client, thread):
                _print_message(message)
        _talk(client, thread, model, options)


def _talk(client: Client, thread: str | None, model: str | None, options: dict[str, Any]) -> None:
    files: list[Path] = []
    while True:
        try:
            words = input("> ").strip()
        except (EOFError, KeyboardInterrupt):
            click.echo()
            return
        command, _, rest = words.partition(" ")
        if command in ("/quit", "/exit"):
            return
        if command == "/help":
            click.echo("/new begins a thread, /model NAME, /file PATH, /quit. Ctrl-C stops an answer.")
        elif command == "/new":
            thread = None
        elif command == "/model":
            model = rest.strip() or None
        elif command == "/file":
            files.append(Path(rest.strip()).expanduser())
        elif words:
            question = Question(text=words, files=tuple(files), thread=thread, model=model, **options)
            asked = _asked(client, question)
            if asked is not None:
                thread, files = asked.thread, []


def _asked(client: Client, question: Question) -> Asked | None:
    """The turn, or None after saying why it could not be started: the talk goes on."""
    try:
        return ask(client, question, Words())
    except Fault as fault:
        if fault.code == "not_reachable":
            raise
        click.secho(str(fault), fg="yellow", err=True)
        return None


@click.command(name="threads")
@json_option
def threads_command(as_json: bool) -> None:
    """List the threads, newest first."""
    with house("threads") as client:
        listed = client.get("/api/threads")
    if as_json:
        click.echo(json.dumps(listed, ensure_ascii=False))
        return
    for thread in listed["threads"]:
        click.echo(
            f"{thread['id']}  {thread['updated'][:16].replace('T', ' ')}  {thread['title'] or '(no title)'}"
        )
    if not listed["threads"]:
        click.echo('No threads yet. Ask something: windowseat ask "Why is the sky blue?"', err=True)


@click.command(name="show")
@click.argument("thread")
@json_option
def show_command(thread: str, as_json: bool) -> None:
    """Print the branch of THREAD that is shown; with --json all its messages."""
    with house("show") as client:
        if as_json:
            facts = client.get(f"/api/threads/{thread}")
            messages = client.get(f"/api/threads/{thread}/messages")["messages"]
            click.echo(json.dumps({"thread": facts, "messages": messages}, ensure_ascii=False))
            return
        for message in _branch(client, thread):
            _print_message(message)


def _branch(client: Client, thread: str) -> list[dict[str, Any]]:
    """The messages from the root to the tip."""
    tip = client.get(f"/api/threads/{thread}")["tip"]
    by_id = {m["id"]: m for m in client.get(f"/api/threads/{thread}/messages")["messages"]}
    branch: list[dict[str, Any]] = []
    while tip in by_id:
        branch.append(by_id[tip])
        tip = by_id[tip]["parent"]
    return branch[::-1]


def _print_message(message: dict[str, Any]) -> None:
    who = "You" if message["role"] == "user" else message.get("model") or "Answer"
    click.secho(who, bold=True)
    for part in message["parts"]:
        if part["type"] == "text":
            click.echo(part["text"])
        elif part["type"] == "tool_call":
            click.secho(f"[{part['name']} {json.dumps(part['arguments'], ensure_ascii=False)}]", dim=True)
        elif part["type"] == "notice":
            click.secho(part["text"], fg="yellow")
        elif part["type"] in ("image", "audio", "video", "file"):
            click.secho(f"[{part['type']} {part.get('name') or part['media_type']}]", dim=True)
    click.echo()


def _history() -> None:
    """Line editing and the arrow keys, where the platform has them."""
    try:
        import readline  # noqa: F401 - importing it is what turns it on
    except ImportError:
        return
