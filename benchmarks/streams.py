"""What an answer costs on its way through the server: time to its first words, lag, and CPU for each token.

    python benchmarks/streams.py [--rounds 2] [--streams 1 10 100] [--json FILE]

In each round the same client asks the provider itself, the raw relay (on asyncio's protocols, and on its
streams) and our server, one after the other, at each number of streams: answers at 20 tokens a second, 50 ms
to the first; of 200 tokens where they are many, of 5 or 20 where they are few, so that enough begin. Ours is
a turn: POST /api/turns with a new thread each time, then its event stream, every token written to the
journal before it is shown. `added` is to the provider itself.

CPU is the server process's alone. Where streams are many it is taken twice: `relaying` while all stream and
none begins or ends, and `whole` with what each turn's beginning and settling cost, spread over its tokens.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import report
from report import Spread
from servers import HERE, PROVIDER, RAW_RELAY, Server, house, listening

MODEL = "paced-20tps-{tokens}tok-50ttft-stamps"
_MANY = 50
_WARM_UP_TOKENS = 5
WAYS = {
    "provider": "the provider itself",
    "relay": "raw relay, protocols",
    "streams": "raw relay, streams",
    "ours": "windowseat",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How many read, what they ask for, for how long (seconds)."""

    streams: int
    tokens: int
    seconds: float
    spread: float
    between: tuple[float, float] | None = None


def loads(counts: list[int]) -> Iterator[Load]:
    """Few streams ask for short answers, so that there are enough first tokens; many for long ones."""
    for count in counts:
        if count == 1:
            yield Load(streams=1, tokens=5, seconds=6, spread=0)
        elif count < _MANY:
            yield Load(streams=count, tokens=20, seconds=5, spread=1)
        else:
            yield Load(streams=count, tokens=200, seconds=3.5, spread=3, between=(4, 9))


@dataclass(frozen=True, slots=True)
class Found:
    """The load client's reports by way and number of streams, one for each round."""

    reports: dict[tuple[str, int], list[dict[str, Any]]] = field(default_factory=dict)

    def values(self, way: str, count: int, *path: str) -> list[float]:
        """One figure of every round."""
        values: list[float] = []
        for told in self.reports[way, count]:
            value: Any = told
            for name in path:
                value = value[name]
            values.append(float(value))
        return values

    def cpu(self, way: str, count: int, kind: str) -> list[float]:
        """Microseconds of CPU of the server for each token; `kind` is the report's name for it."""
        told = self.reports[way, count]
        return [1000 * next(iter(each[kind].values())) for each in told]


def measure(rounds: int, load: list[Load]) -> Found:
    """All rounds, interleaved. Raises RuntimeError when a way makes an error."""
    found = Found()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="windowseat-"))
        provider = stack.enter_context(listening(*PROVIDER))
        upstream = ("--upstream", provider.url)
        servers = {
            "provider": provider,
            "relay": stack.enter_context(listening(*RAW_RELAY, *upstream)),
            "streams": stack.enter_context(listening(*RAW_RELAY, *upstream, "--with", "streams")),
            "ours": stack.enter_context(house(Path(folder, "home"), provider.url)),
        }
        for way, server in servers.items():
            _ask(way, server, Load(streams=2, tokens=_WARM_UP_TOKENS, seconds=1, spread=0))  # to warm it up
        for _ in range(rounds):
            for each in load:
                for way, server in servers.items():
                    found.reports.setdefault((way, each.streams), []).append(_ask(way, server, each))
    return found


def _ask(way: str, server: Server, load: Load) -> dict[str, Any]:
    model = MODEL.format(tokens=load.tokens)
    command = [sys.executable, str(HERE / "load.py"), "--url", server.url, "--pid", str(server.pid)]
    command += ["--streams", str(load.streams), "--seconds", str(load.seconds), "--spread", str(load.spread)]
    command += ["--model", f"bench/{model}" if way == "ours" else model]
    command += ["--turns"] if way == "ours" else []
    command += ["--between", *map(str, load.between)] if load.between else []
    for header in server.headers:
        command += ["--header", header]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise RuntimeError(f"{WAYS[way]}: {ran.stdout or ran.stderr}")
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


def main() -> None:
    """Measure and tell."""

    def more(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--rounds", type=int, default=2)
        parser.add_argument("--streams", type=int, nargs="+", default=[1, 10, 100])

    asked = report.options(__doc__, more)
    load = list(loads(asked.streams))
    found = measure(asked.rounds, load)
    first = report.table(
        (
            "streams",
            "",
            "first token p50, ms",
            "p95, ms",
            "added p50, ms",
            "added p95, ms",
            "lag p50, ms",
            "lag p95, ms",
        ),
        [_first_row(found, way, each.streams) for each in load for way in WAYS],
    )
    cpu = report.table(
        ("streams", "", "", "CPU, µs per token", "to the relay", "to the relay on streams"),
        [
            _cpu_row(found, way, each.streams, kind)
            for each in load
            for kind in (("steady_cpu_ms_per_token",) if each.between else ()) + ("cpu_ms_per_token",)
            for way in WAYS
            if way != "provider"
        ],
    )
    data = {
        "answers": [{"way": way, "streams": n, "rounds": told} for (way, n), told in found.reports.items()]
    }
    report.tell("Streams", f"{first}\n\n{cpu}", data, asked.json)


def _first_row(found: Found, way: str, count: int) -> tuple[str, ...]:
    cells = [Spread.of(found.values(way, count, "first_token_ms", rank)).show(1) for rank in ("p50", "p95")]
    for rank in ("p50", "p95"):
        ours = found.values(way, count, "first_token_ms", rank)
        without = found.values("provider", count, "first_token_ms", rank)
        added = [with_it - bare for with_it, bare in zip(ours, without, strict=True)]
        cells.append("-" if way == "provider" else Spread.of(added).show(1))
    cells += [Spread.of(found.values(way, count, "lag_ms", rank)).show(1) for rank in ("p50", "p95")]
    return str(count), WAYS[way], *cells


def _cpu_row(found: Found, way: str, count: int, kind: str) -> tuple[str, ...]:
    ours = found.cpu(way, count, kind)
    ratios = (Spread.of_ratios(ours, found.cpu(other, count, kind)).show() for other in ("relay", "streams"))
    name = "relaying" if kind.startswith("steady") else "whole"
    return str(count), WAYS[way], name, Spread.of(ours).show(0), *ratios


if __name__ == "__main__":
    main()
