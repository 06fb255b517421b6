"""docs/features/dialects.md says of the recordings what is in them."""

from __future__ import annotations

import pytest

from .coverage import PAGE, table, written_table
from .recorded import folder


def test_the_table_of_coverage_is_what_the_decoders_find() -> None:
    if folder() is None:
        pytest.skip("the recordings are not here (WINDOWSEAT_RECORDINGS)")
    assert written_table() == table(), "write it anew: .venv/bin/python -m tests.features.providers.coverage"


def test_the_page_names_files_that_are_there() -> None:
    source = PAGE.parents[2] / "src" / "windowseat" / "features" / "providers" / "dialects"
    named = [
        word
        for word in PAGE.read_text(encoding="utf-8").split("`")
        if word.endswith(".py") and "/" not in word
    ]
    assert named
    assert [name for name in named if not (source / name).is_file()] == []
