"""The head of a GGUF file: facts are read; damage ends in a clear error, not in a request for memory."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowseat.core.errors import Refused
from windowseat.features.local_models.gguf import read_header

from .conftest import MakeGguf, metadata


@pytest.mark.engine
def test_the_first_model_says_what_it_is(first_model: Path) -> None:
    header = read_header(first_model)
    assert header.architecture == "llama"
    assert header.licence == "apache-2.0"
    assert header.window == 8192
    assert header.head_sizes == (64, 64)
    assert header.cached_values == 30 * 3 * (64 + 64)  # layers, heads, one key and one value
    assert header.is_language_model


def test_heads_that_differ_by_layer_are_added_up(make_gguf: MakeGguf) -> None:
    pairs = {
        "general.architecture": "gemma3n",
        "gemma3n.block_count": 3,
        "gemma3n.attention.head_count_kv": [1, 2, 4],
        "gemma3n.attention.key_length": 128,
        "gemma3n.attention.value_length": 64,
    }
    header = read_header(make_gguf(pairs=pairs))
    assert header.cached_values == (1 + 2 + 4) * (128 + 64)
    assert header.window is None


@pytest.mark.parametrize(
    "pairs",
    [
        {"general.architecture": "llama", "general.type": "adapter"},
        {"general.architecture": "clip"},
        {"general.name": "of no architecture"},
    ],
)
def test_what_cannot_answer_alone_is_no_language_model(make_gguf: MakeGguf, pairs: dict[str, object]) -> None:
    assert not read_header(make_gguf(pairs=pairs)).is_language_model


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "ends too early"),
        (b"PK\x03\x04" + bytes(100), "does not begin with GGUF"),
        (b"GGUF" + struct.pack("<IQQ", 1, 0, 0), "version is 1"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 2**40), "claims 1099511627776 keys"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 2**60), "claims a text of"),
        (b"GGUF" + struct.pack("<IQQQ1sIIQ", 3, 0, 1, 1, b"a", 9, 4, 2**60), "claims an array of"),
        (b"GGUF" + struct.pack("<IQQQ1sI", 3, 0, 1, 1, b"a", 99), "unknown type 99"),
    ],
)
def test_a_file_that_is_none_is_refused_with_the_reason(tmp_path: Path, data: bytes, reason: str) -> None:
    path = tmp_path / "bad.gguf"
    path.write_bytes(data)
    with pytest.raises(Refused, match=reason) as caught:
        read_header(path)
    assert caught.value.code == "local_model_unreadable"


def test_arrays_within_arrays_are_refused_and_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "deep.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQQ1sIIQ", 3, 0, 1, 1, b"a", 9, 9, 1) + bytes(100))
    with pytest.raises(Refused, match="unknown type 9"):
        read_header(path)


@given(cut=st.integers(min_value=0, max_value=200), noise=st.binary(max_size=64))
def test_no_damage_ends_in_anything_but_a_header_or_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, cut: int, noise: bytes
) -> None:
    whole = metadata({"general.architecture": "llama", "llama.context_length": 64, "llama.x": [1.0, 2.0]})
    path = tmp_path_factory.mktemp("gguf") / "damaged.gguf"
    path.write_bytes(whole[:cut] + noise + whole[cut + len(noise) :])
    try:
        read_header(path)
    except Refused as refused:
        assert refused.code == "local_model_unreadable"  # noqa: PT017 (both outcomes are right)
