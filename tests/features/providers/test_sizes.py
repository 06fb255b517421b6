"""What is larger than its provider takes is refused before anything is sent, in every dialect."""

from __future__ import annotations

import pytest

from windowseat.core.errors import Refused
from windowseat.core.exchange import FileFacts
from windowseat.core.model import DIALECTS, Dialect, Model, Options
from windowseat.core.parts import Audio, File, Image, Video
from windowseat.features.providers.dialects import quirks_claude_gemini, quirks_openai
from windowseat.features.providers.facts import quirks_for

from .test_pairs import CODECS, model_of
from .values import message, window

PARTS: dict[str, Image | Audio | Video | File] = {
    "image": Image(media_type="image/png", file="f"),
    "audio": Audio(media_type="audio/wav", file="f"),
    "video": Video(media_type="video/mp4", file="f"),
    "file": File(media_type="application/pdf", file="f"),
}
KINDS = [
    (dialect, kind, limit)
    for dialect in DIALECTS
    for kind, limit in quirks_for(dialect, CODECS[dialect][1], CODECS[dialect][2]).largest.items()
]


def encode(dialect: Dialect, kind: str, size: int) -> None:
    make, host, _ = CODECS[dialect]
    part = PARTS[kind]

    facts = {"f": FileFacts(id="f", media_type=part.media_type, size=size, name="f")}
    known = frozenset(("text", "image", "audio", "video", "file"))
    model = Model(connection="there", id=model_of(dialect).id, dialect=dialect, inputs=known)
    make(host).encode(window(message("q", "user", part)), model, Options(), facts)


def test_each_dialect_has_limits() -> None:
    assert {dialect for dialect, _, _ in KINDS} == set(DIALECTS)


@pytest.mark.parametrize(("dialect", "kind", "limit"), KINDS)
def test_a_byte_too_many_is_refused(dialect: Dialect, kind: str, limit: int) -> None:
    encode(dialect, kind, limit)
    with pytest.raises(Refused) as refused:
        encode(dialect, kind, limit + 1)
    assert refused.value.code == "file_too_large"


def test_every_limit_names_who_says_so_and_when() -> None:
    rows = [row for row in (*quirks_openai.ROWS, *quirks_claude_gemini.ROWS) if "largest" in row.says]
    assert rows
    assert all(row.source.startswith("https://") and row.read.year >= 2026 for row in rows)
