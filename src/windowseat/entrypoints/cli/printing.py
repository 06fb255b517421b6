"""How a turn looks in a terminal and in a pipe.

In a terminal the answer streams; what goes on beside it (thinking, tools, waiting, notices) is quiet
and on stderr. In a pipe stdout holds the answer's words and nothing else. With `--json` each event is
a line as it came. Deciding about a tool's call is asking.py's.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Protocol

import click


class Printer(Protocol):
    """Shows the events of a turn as they come."""

    def show(self, event: dict[str, Any]) -> None:
        """One event."""
        ...


class JsonLines:
    """Each event as a line of JSON."""

    def show(self, event: dict[str, Any]) -> None:
        """Print the event."""
        click.echo(json.dumps(event, ensure_ascii=False))


class Words:
    """The words of the answer on stdout, all else in few words on stderr."""

    def __init__(self) -> None:
        self._types: dict[int, str] = {}
        self._calls: dict[str, str] = {}
        self._quiet = sys.stderr.isatty()
        self._line_open = False
        self._status = False

    def show(self, event: dict[str, Any]) -> None:
        """Show the event."""
        match event["type"]:
            case "part_started":
                self._start(event["index"], event["part"])
            case "part_delta":
                self._grow(event["index"], event["text"])
            case "part_settled":
                self._settle(event["index"], event["part"])
            case "waiting":
                self._wait(event)
            case "tool_output":
                self._aside(event.get("text") or "")
            case "notice":
                self._aside(event["text"], colour="yellow")
            case "seam":
                self._aside(event["reason"])
            case "turn_settled":
                self._end(event["stop_reason"])

    def _start(self, index: int, part: dict[str, Any]) -> None:
        self._types[index] = part["type"]
        if part["type"] == "thinking":
            self._aside("Thinking …")
        elif part["type"] == "text":
            self._grow(index, part["text"])

    def _grow(self, index: int, text: str) -> None:
        if self._types.get(index) == "text" and text:
            self._clear_status()
            click.echo(text, nl=False)
            sys.stdout.flush()
            self._line_open = not text.endswith("\n")

    def _settle(self, index: int, part: dict[str, Any]) -> None:
        began = self._types.pop(index, None)
        if part["type"] == "text" and began is None:
            self._types[index] = "text"
            self._grow(index, part["text"])
        elif part["type"] == "tool_call":
            self._calls[part["id"]] = part["name"]
            arguments = json.dumps(part["arguments"], ensure_ascii=False)
            self._aside(f"{part['name']} {arguments}")
        elif part["type"] == "tool_result":
            name = self._calls.get(part["id"], "tool")
            words = " ".join(p.get("text", f"[{p['type']}]") for p in part["content"])
            self._aside(f"{name} → {part.get('error') or words}"[:400])

    def _wait(self, event: dict[str, Any]) -> None:
        if event["for"] == "approval" or not self._quiet:
            return
        what = {"model": "loading the model", "limit": "the provider is busy"}.get(event["for"], "waiting")
        self._clear_status()
        click.secho(f"{what} {event.get('seconds') or 0:.0f} s", dim=True, nl=False, err=True)
        self._status = True

    def _aside(self, words: str, colour: str | None = None) -> None:
        if not words:
            return
        self._clear_status()
        if self._line_open and sys.stdout.isatty():
            click.echo()
            self._line_open = False
        click.secho(words, dim=colour is None, fg=colour, err=True)

    def _end(self, stop_reason: str) -> None:
        self._clear_status()
        if self._line_open:
            click.echo()
            self._line_open = False
        words = {
            "length": "The answer reached its length limit.",
            "cancelled": "Stopped.",
            "interrupted": "Interrupted.",
            "refusal": "The model refused.",
            "filtered": "The provider filtered the answer.",
            "step_limit": "The turn reached its bound of steps.",
            "tool_call": "The model called a tool that nobody here offers.",
        }.get(stop_reason)
        if words:
            self._aside(words, colour="yellow")

    def _clear_status(self) -> None:
        if self._status:
            click.echo("\r\033[K", nl=False, err=True)
            self._status = False
