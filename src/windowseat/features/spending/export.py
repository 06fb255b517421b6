"""The ledger as CSV (RFC 4180): one line for each request, amounts as plain decimals, no key anywhere.

Pure. A cell that a spreadsheet would take for a formula gets an apostrophe before it: names of models come
from providers, and may be anything (https://owasp.org/www-community/attacks/CSV_Injection).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from windowseat.core.message import Usage
from windowseat.features.spending.store import Recorded

_COUNTS = ("input_tokens", "cached_tokens", "cache_write_tokens", "output_tokens", "thinking_tokens")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

COLUMNS = (
    "at",
    "purpose",
    "model",
    "thread",
    "turn",
    "step",
    *_COUNTS,
    "details",
    "estimated",
    "price",
    "currency",
    "price_source",
    "price_date",
    "first_token_seconds",
    "writing_seconds",
)


def csv_line(row: Recorded) -> str:
    """One row."""
    usage = row.usage or Usage()
    details = " ".join(f"{name}={count}" for name, count in sorted((usage.details or {}).items()))
    return _line(
        (
            row.at.isoformat().replace("+00:00", "Z"),
            row.purpose,
            row.model,
            row.thread,
            row.turn,
            row.step,
            *(getattr(usage, name) for name in _COUNTS),
            details,
            "yes" if row.estimated else "no",
            None if row.price is None else f"{row.price.amount:f}",
            None if row.price is None else row.price.currency,
            row.price_source,
            row.price_date,
            row.first_token,
            row.writing,
        )
    )


def _line(cells: Iterable[object]) -> str:
    written = io.StringIO()
    csv.writer(written).writerow("" if cell is None else _harmless(str(cell)) for cell in cells)
    return written.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


HEADER = _line(COLUMNS)
"""The first line."""
