"""What kind of thing bytes are, and what of it may be shown in the page: pure rules.

The first bytes of the usual kinds say more than whoever sent them. Signatures: WHATWG MIME Sniffing,
section 6, and ISO/IEC 14496-12 (`ftyp`). No system table of types is read, as they differ.
"""

from __future__ import annotations

import codecs
import re

OCTETS = "application/octet-stream"
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS", "audio/ogg"),
    (0, b"\x1f\x8b\x08", "application/gzip"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heif",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"qt  ": "video/quicktime",
}
_SNIFFED = ("image/", "audio/", "video/", "application/pdf", "application/zip", "application/gzip")
_NOT_SNIFFED = {"image/svg+xml", "image/bmp", "image/x-icon", "image/vnd.microsoft.icon"}
_ZIPPED = ("application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.opendocument.")
_ALSO_ZIPPED = {"application/epub+zip", "application/java-archive"}

_SHOWN = {
    "image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "text/plain",
    "audio/mpeg", "audio/wav", "audio/ogg", "audio/flac", "audio/mp4", "audio/webm",
    "video/mp4", "video/webm", "video/ogg",
}  # fmt: skip

_TEXT_TYPES = {
    "application/json", "application/xml", "application/yaml", "application/x-yaml", "application/toml",
    "application/javascript", "application/x-javascript", "application/typescript", "application/x-sh",
    "application/sql", "application/x-httpd-php", "application/x-tex", "application/x-ndjson",
    "application/rtf", "image/svg+xml",
}  # fmt: skip
_BY_ENDING = {
    "txt": "text/plain", "log": "text/plain", "md": "text/markdown", "markdown": "text/markdown",
    "csv": "text/csv", "tsv": "text/tab-separated-values", "html": "text/html", "htm": "text/html",
    "css": "text/css", "js": "text/javascript", "mjs": "text/javascript", "json": "application/json",
    "jsonl": "application/x-ndjson", "xml": "application/xml", "svg": "image/svg+xml",
    "yaml": "application/yaml", "yml": "application/yaml", "toml": "application/toml", "py": "text/x-python",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text", "epub": "application/epub+zip",
}  # fmt: skip


def media_type_of(start: bytes, claimed: str | None, name: str) -> str:
    """The media type of bytes that begin with `start`: by their signature, else as claimed, else by name.

    A claim of a kind whose signature is missing counts for nothing.
    """
    claimed = _plain(claimed)
    if claimed in ("", OCTETS):
        claimed = _BY_ENDING.get(name.rpartition(".")[2].lower(), "")
    found = _signature(start)
    if found in ("video/webm", "audio/ogg", "video/mp4") and claimed in _SAME_CONTAINER[found]:
        return claimed
    if found == "application/zip" and (claimed.startswith(_ZIPPED) or claimed in _ALSO_ZIPPED):
        return claimed
    if found:
        return found
    unproven = claimed.startswith(_SNIFFED)
    if claimed and (not unproven or claimed in _NOT_SNIFFED):
        return claimed
    return "text/plain" if _looks_like_text(start) else OCTETS


_SAME_CONTAINER = {
    "video/webm": {"audio/webm", "video/x-matroska"},
    "audio/ogg": {"video/ogg", "application/ogg"},
    "video/mp4": {"audio/mp4"},
}


def safe_to_show(media_type: str) -> bool:
    """Whether a browser may show it in place, sent with exactly this type and `nosniff`.

    Nothing that can hold script: HTML, SVG, XML and PDF are always attachments.
    """
    return media_type in _SHOWN


def is_text(media_type: str) -> bool:
    """Whether the bytes are words, so that a model can read them as they are."""
    return (
        media_type.startswith("text/") or media_type in _TEXT_TYPES or media_type.endswith(("+json", "+xml"))
    )


def decoded(data: bytes, *, whole: bool = True) -> str | None:
    """The words of bytes in UTF-8 or UTF-16 (by its byte order mark), else Windows-1252; None for no text.

    Not `whole`: a character that is cut in two at the end is left out. Line ends become LF.
    """
    encoding = "utf-8"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif b"\x00" in data:
        return None
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(data, final=whole)
    except UnicodeDecodeError:
        if encoding == "utf-16":
            return None
        text = data.decode("cp1252", "replace")
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def plain_name(name: str | None, media_type: str = "") -> str:
    """A file's name without folders and control characters, 200 characters at the most; never empty."""
    last = re.split(r"[/\\]", name or "")[-1]
    kept = "".join(character for character in last if character.isprintable()).strip(" .")
    if not kept:
        ending = next((ending for ending, kind in _BY_ENDING.items() if kind == media_type), "")
        return f"file.{ending}" if ending else "file"
    if len(kept) <= 200:
        return kept
    stem, dot, ending = kept.rpartition(".")
    return f"{stem[: 199 - len(ending)]}.{ending}" if dot and len(ending) <= 10 else kept[:200]


def _plain(claimed: str | None) -> str:
    media_type = (claimed or "").partition(";")[0].strip().lower()
    return media_type if _TYPE.fullmatch(media_type) else ""


def _signature(start: bytes) -> str | None:
    for offset, signature, media_type in _SIGNATURES:
        if start.startswith(signature, offset):
            return media_type
    if start[:4] == b"RIFF":
        return _RIFF.get(start[8:12])
    if start[4:8] == b"ftyp":
        return _BRANDS.get(start[8:12], "video/mp4")
    if start[:4] == b"\x1a\x45\xdf\xa3":
        return "video/webm" if b"webm" in start[:64] else "video/x-matroska"
    if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return "application/zip"
    # MPEG audio frames, layer III: 11 bits set, a layer that is not reserved, a valid bit rate.
    if len(start) > 2 and start[0] == 0xFF and start[1] & 0xE6 == 0xE2 and start[2] & 0xF0 not in (0, 0xF0):
        return "audio/mpeg"
    return None


def _looks_like_text(start: bytes) -> bool:
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return False
    return bool(text) and not any(character < " " and character not in "\t\n\r\f" for character in text)
