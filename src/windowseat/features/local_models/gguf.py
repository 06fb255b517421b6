"""Reads the few facts we need from the head of a GGUF file: what it is and how large its window may be.

Not a GGUF library: tensors, tokens and templates are passed over, and no weight is read.
The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3, little-endian).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from windowseat.core.errors import Refused

NUMBER_FORMATS = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
STRING, ARRAY = 8, 9

# Far above any real file; a damaged length must not become a request for memory.
MOST_KEYS = 100_000
LONGEST_STRING = 4 * 1024 * 1024
LONGEST_ARRAY = 4 * 1024 * 1024

Scalar = int | float | bool | str
Value = Scalar | list[Scalar]


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the file says of itself; None where it does not say.

    `window` in tokens. `cached_values` is how many numbers the key and value caches keep per token,
    over all layers; `head_sizes` are the lengths of one key and one value.
    """

    architecture: str
    title: str | None
    licence: str | None
    kind: str | None
    window: int | None
    cached_values: int | None
    head_sizes: tuple[int, ...]

    @property
    def is_language_model(self) -> bool:
        """False for what cannot answer alone: an adapter, or the image half of a model."""
        return self.kind in (None, "model") and self.architecture not in ("", "clip")


def read_header(path: Path) -> Header:
    """The facts in the head of the file at `path`; reads some kilobytes.

    Raises Refused `local_model_unreadable` when it is no GGUF file or is cut off in its head.
    """
    try:
        with path.open("rb") as file:
            return as_header(read_metadata(file))
    except (OSError, ValueError, struct.error) as error:
        raise Refused(
            "local_model_unreadable",
            f"{path.name} cannot be read as a GGUF file: {error}.",
            hint="Fetch the file again; it may be cut off or in another format.",
        ) from error


def read_metadata(file: BinaryIO) -> dict[str, Value]:
    """Keys and values of the head, up to the tokenizer's, which are long and last."""
    if take(file, 4) != b"GGUF":
        raise ValueError("it does not begin with GGUF")
    version, _tensors, count = struct.unpack("<IQQ", take(file, 20))
    if version not in (2, 3):
        raise ValueError(f"its version is {version}, not 2 or 3")
    if count > MOST_KEYS:
        raise ValueError(f"it claims {count} keys")
    values: dict[str, Value] = {}
    for _ in range(count):
        key = read_string(file)
        if key.startswith("tokenizer.") and f"{values.get('general.architecture')}.context_length" in values:
            break
        values[key] = read_value(file, read_number(file, "<I"))
    return values


def as_header(values: dict[str, Value]) -> Header:
    """Picks the facts out of the metadata."""
    architecture = text(values.get("general.architecture")) or ""

    def numbers(name: str) -> list[int]:
        value = values.get(f"{architecture}.{name}", [])
        items = value if isinstance(value, list) else [value]
        return [item for item in items if isinstance(item, int)]

    def number(name: str) -> int | None:
        return next(iter(numbers(name)), None)

    layers, heads, width = number("block_count"), number("attention.head_count"), number("embedding_length")
    head_size = width // heads if width and heads else None
    key_size = number("attention.key_length") or head_size
    value_size = number("attention.value_length") or head_size
    per_layer = numbers("attention.head_count_kv") or numbers("attention.head_count")
    cached = None
    if layers and per_layer and key_size and value_size:
        cached_heads = sum(per_layer) if len(per_layer) > 1 else layers * per_layer[0]
        cached = cached_heads * (key_size + value_size)
    return Header(
        architecture=architecture,
        title=text(values.get("general.name")),
        licence=text(values.get("general.license")),
        kind=text(values.get("general.type")),
        window=number("context_length"),
        cached_values=cached,
        head_sizes=tuple(size for size in (key_size, value_size) if size),
    )


def text(value: Value | None) -> str | None:
    """The value where it is text, else None."""
    return value if isinstance(value, str) else None


def read_value(file: BinaryIO, kind: int) -> Value:
    """One value of that type; arrays are lists."""
    if kind != ARRAY:
        return read_scalar(file, kind)
    item_kind, length = read_number(file, "<I"), read_number(file, "<Q")
    if length > LONGEST_ARRAY:
        raise ValueError(f"it claims an array of {length} items")
    return [read_scalar(file, item_kind) for _ in range(length)]


def read_scalar(file: BinaryIO, kind: int) -> Scalar:
    """One number, truth value or text."""
    if kind == STRING:
        return read_string(file)
    if kind not in NUMBER_FORMATS:
        raise ValueError(f"it has a value of unknown type {kind}")
    format = NUMBER_FORMATS[kind]
    value: Scalar = struct.unpack(format, take(file, struct.calcsize(format)))[0]
    return value


def read_number(file: BinaryIO, format: str) -> int:
    """One unsigned number."""
    value: int = struct.unpack(format, take(file, struct.calcsize(format)))[0]
    return value


def read_string(file: BinaryIO) -> str:
    """A length and that many bytes of UTF-8."""
    length = read_number(file, "<Q")
    if length > LONGEST_STRING:
        raise ValueError(f"it claims a text of {length} bytes")
    return take(file, length).decode("utf-8", errors="replace")


def take(file: BinaryIO, length: int) -> bytes:
    """Exactly that many bytes."""
    data = file.read(length)
    if len(data) < length:
        raise ValueError("it ends too early")
    return data
