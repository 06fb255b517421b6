"""How benchmarks tell what they found: values with their spread, ratios to a reference, a table, JSON.

Every figure is the median of its rounds with the least and the most; a ratio is taken within each round,
where both sides met the same machine, and only then its median. Nothing is measured or judged here.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The middle of some rounds, and how far they lie apart."""

    median: float
    least: float
    most: float
    rounds: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Of at least one value."""
        listed = list(values)
        middle = statistics.median(listed)
        return cls(median=middle, least=min(listed), most=max(listed), rounds=len(listed))

    @classmethod
    def of_ratios(cls, ours: Sequence[float], reference: Sequence[float]) -> Spread:
        """Of what each round's value is to the reference's value of the same round."""
        return cls.of(one / other for one, other in zip(ours, reference, strict=True))

    def show(self, digits: int = 2) -> str:
        """`median (least to most)`."""
        if self.rounds == 1:
            return f"{self.median:.{digits}f}"
        return f"{self.median:.{digits}f} ({self.least:.{digits}f} to {self.most:.{digits}f})"


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table whose columns stand under each other: names to the left, figures to the right."""
    lines = [list(headers), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headers))]
    lines.insert(1, [("-" * (width - 1) + ":") if at else "-" * width for at, width in enumerate(widths)])
    return "\n".join(
        "| "
        + " | ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        + " |"
        for line in lines
    )


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "sqlite": sqlite3.sqlite_version,
        "load": [round(load, 2) for load in os.getloadavg()],
    }


def tell(title: str, text: str, found: dict[str, Any], to: Path | None) -> None:
    """Print the tables, and write everything that was found as JSON where asked for."""
    facts = machine()
    print(f"\n{title} · Python {facts['python']}, {facts['cores']} cores, load {facts['load'][0]}\n\n{text}")
    if to is not None:
        to.write_text(
            json.dumps({"title": title, "machine": facts, **found}, default=asdict, indent=1) + "\n"
        )


def options(description: str | None, more: Callable[[argparse.ArgumentParser], None]) -> argparse.Namespace:
    """The command line of a benchmark: its own options, `--rounds` among them, and `--json FILE`."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    more(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file as well")
    return parser.parse_args()


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
