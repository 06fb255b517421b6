"""What is kept of an answer: journal bytes per byte of text once it has settled, and the commits on the way.

    python benchmarks/journal.py [--json FILE]

The house is opened in this process, with a provider beside it that reads this project's own pages aloud: real
prose, as made-up words would compress better. A token is a word with the space before it. Each case is an
answer, or several at once, at a pace; then the database is read. Messages, kept requests and origins
are counted apart. The reference is plain SQLite in the same run: a row of JSON and a commit for each token.
Time per commit is what the journal waits for, the way to the writer's thread and back included.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sqlite3
import statistics
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import report

from windowseat.app import House, open_house
from windowseat.core.ask import Ask, NewThread
from windowseat.core.parts import File, Part, Text
from windowseat.core.ports import Entry
from windowseat.platform.home import Home
from windowseat.platform.settings import read_settings
from windowseat.testing.provider import ScriptedProvider
from windowseat.testing.replies import Answer, Piece, answer, call, pause, text, thinking

PAGES = Path(__file__).resolve().parent.parent / "docs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Answers of `tokens` at `rate` tokens a second, `streams` at once; `thinks` and `calls` come before."""

    name: str
    rate: float
    tokens: int
    streams: int = 1
    thinks: bool = False
    calls: bool = False


CASES = (
    Case(name="20 tokens/s", rate=20, tokens=300),
    Case(name="115 tokens/s", rate=115, tokens=600),
    Case(name="115 tokens/s, thinking", rate=115, tokens=600, thinks=True),
    Case(name="115 tokens/s, a tool", rate=115, tokens=600, calls=True),
    Case(name="20 streams of 20 tokens/s", rate=20, tokens=150, streams=20),
)


@dataclass(slots=True)
class Commits:
    """How often the journal committed, and how long each took in seconds."""

    seconds: list[float] = field(default_factory=list)


def words(count: int, start: int) -> list[str]:
    """So many words of the project's pages, from a place on."""
    prose = "\n\n".join(page.read_text("utf-8") for page in sorted(PAGES.rglob("*.md")))
    found = re.findall(r"\s*\S+", prose)
    return [found[(start + index) % len(found)] for index in range(count)]


def replies(case: Case, number: int, file: str | None) -> Iterator[Answer]:
    """What the provider says to one ask, a reply for each step."""
    if file is not None:
        yield answer(call("open_file", {"file": file}))
    said = words(case.tokens, 977 * number)
    half = len(said) // 3 if case.thinks else 0
    pieces: list[Piece] = []
    for index, word in enumerate(said):
        pieces += [thinking(word) if index < half else text(word, whole=True), pause(1 / case.rate)]
    yield answer(*pieces)


async def run(case: Case, number: int, house: House, provider: ScriptedProvider) -> dict[str, float]:
    """Ask, follow every answer to its end, and read what is kept of it."""
    commits, before = Commits(), _sizes(house.home.database)
    real = house.journal.commit

    async def commit(entries: Sequence[Entry], *, durable: bool) -> None:
        begun = time.perf_counter()
        await real(entries, durable=durable)
        commits.seconds.append(time.perf_counter() - begun)

    house.journal.commit = commit  # type: ignore[method-assign]
    try:
        await asyncio.gather(*(_ask(case, number + each, house, provider) for each in range(case.streams)))
    finally:
        house.journal.commit = real  # type: ignore[method-assign]
    after = _sizes(house.home.database)
    grown = {name: after[name] - before[name] for name in after}
    tokens = case.tokens * case.streams
    return {
        **{name: size / grown["text"] for name, size in grown.items() if name != "text"},
        "text_bytes": grown["text"],
        "commits_per_1000_tokens": 1000 * len(commits.seconds) / tokens,
        "ms_per_commit": 1000 * statistics.median(commits.seconds),
    }


async def _ask(case: Case, number: int, house: House, provider: ScriptedProvider) -> None:
    parts: tuple[Part, ...] = (Text(text="Go on."),)
    file = None
    if case.calls:
        content = "".join(words(200, 4001 * number)).encode()
        row = await house.files.put(house.owner, content, "notes.txt", "text/plain")
        file = row.file
        parts = (*parts, File(media_type="text/plain", file=file, name="notes.txt"))
    provider.script(replies(case, number, file))
    ask = Ask(id=str(uuid.uuid4()), user=house.owner, new=NewThread(), parts=parts, model="bench/read-aloud")
    begun = await house.turns.start(ask)
    async for _ in house.turns.follow(begun.turn, 0):
        pass


def _sizes(database: Path) -> dict[str, float]:
    """Bytes that are kept now: text of answers, journal, messages without origins, origins, requests."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        one = "SELECT coalesce(sum(length({})), 0) FROM {}"
        journal = sum(
            connection.execute(one.format("data", table)).fetchone()[0]
            for table in ("settled_journals", "journal")
        )
        requests = connection.execute(one.format("data", "pieces")).fetchone()[0]
        rows = connection.execute("SELECT parts FROM messages WHERE role = 'assistant'").fetchall()
    finally:
        connection.close()
    said = plain = whole = 0
    for (stored,) in rows:
        parts = json.loads(stored or "[]")
        said += sum(len(_said(part).encode()) for part in parts)
        whole += len((stored or "").encode())
        bare = [{name: value for name, value in part.items() if name != "origin"} for part in parts]
        plain += len(json.dumps(bare, ensure_ascii=False, separators=(",", ":")).encode())
    return {
        "text": said,
        "journal": journal,
        "messages": plain,
        "origins": max(0, whole - plain),
        "requests": requests,
    }


def _said(part: dict[str, Any]) -> str:
    return str(part.get("text") or "") if part["type"] in ("text", "thinking") else ""


def reference(tokens: int) -> dict[str, float]:
    """A row of JSON and a commit for each token, in plain SQLite with a write-ahead log."""
    with tempfile.TemporaryDirectory(prefix="windowseat-") as folder:
        connection = sqlite3.connect(Path(folder, "plain.db"), isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("CREATE TABLE events (n INTEGER PRIMARY KEY, data TEXT)")
        said, kept, seconds = 0, 0, []
        for n, word in enumerate(words(tokens, 0)):
            event = {
                "type": "part_delta",
                "n": n,
                "at": "2026-01-01T00:00:00.000000Z",
                "index": 0,
                "text": word,
            }
            data = json.dumps(event, ensure_ascii=False)
            begun = time.perf_counter()
            connection.execute("INSERT INTO events VALUES (?, ?)", (n, data))
            seconds.append(time.perf_counter() - begun)
            said, kept = said + len(word.encode()), kept + len(data.encode())
        connection.close()
    return {
        "journal": kept / said,
        "text_bytes": said,
        "commits_per_1000_tokens": 1000.0,
        "ms_per_commit": 1000 * statistics.median(seconds),
    }


async def measure() -> dict[str, dict[str, float]]:
    """Every case once, and the reference before and after them."""
    found = {"plain SQLite, before": reference(1000)}
    with tempfile.TemporaryDirectory(prefix="windowseat-") as folder:
        home = Home(Path(folder))
        home.create()
        settings = read_settings(home.settings_file, {"WINDOWSEAT_DEFAULT_MODEL": "bench/read-aloud"})
        async with ScriptedProvider(record=False) as provider, open_house(settings, home) as house:
            await house.providers.connections.add(
                house.owner, name="bench", dialect="openai-chat", url=provider.url
            )
            for number, case in enumerate(CASES):
                found[case.name] = await run(case, 100 * number, house, provider)
    return {**found, "plain SQLite, after": reference(1000)}


def main() -> None:
    """Measure and tell."""
    asked = report.options(__doc__, _more)
    found = asyncio.run(measure())
    names = ("journal", "messages", "origins", "requests")
    rows = [
        (
            case,
            f"{told['text_bytes'] / 1000:.1f}",
            *(f"{told[name]:.2f}" if name in told else "-" for name in names),
            f"{told['commits_per_1000_tokens']:.0f}",
            f"{told['ms_per_commit']:.2f}",
        )
        for case, told in found.items()
    ]
    headers = ("", "text, KB", *names, "commits per 1,000 tokens", "ms per commit")
    text_ = report.table(headers, rows) + "\n\nBytes of each kind are for one byte of text."
    report.tell("Journal", text_, {"cases": found}, asked.json)


def _more(_: argparse.ArgumentParser) -> None:
    """No options of its own."""


if __name__ == "__main__":
    main()
