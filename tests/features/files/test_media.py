"""What bytes are is decided by what they say of themselves, and nothing that can run is shown in place."""

from __future__ import annotations

import pytest

from windowseat.features.files.media import decoded, is_text, media_type_of, plain_name, safe_to_show

STARTS = {
    "image/png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    "image/jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF",
    "image/gif": b"GIF89a\x01\x00",
    "image/webp": b"RIFF\x24\x00\x00\x00WEBPVP8 ",
    "image/avif": b"\x00\x00\x00\x20ftypavif\x00\x00",
    "image/heic": b"\x00\x00\x00\x20ftypheic\x00\x00",
    "application/pdf": b"%PDF-1.7\n",
    "audio/mpeg": b"ID3\x04\x00",
    "audio/wav": b"RIFF\x24\x00\x00\x00WAVEfmt ",
    "audio/flac": b"fLaC\x00",
    "audio/ogg": b"OggS\x00\x02",
    "video/mp4": b"\x00\x00\x00\x18ftypisom\x00\x00",
    "video/quicktime": b"\x00\x00\x00\x14ftypqt  \x00\x00",
    "video/webm": b"\x1a\x45\xdf\xa3\x01\x00\x00\x00\x42\x82\x84webm",
    "application/zip": b"PK\x03\x04\x14\x00",
    "application/gzip": b"\x1f\x8b\x08\x00",
}
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.mark.parametrize(("media_type", "start"), STARTS.items())
@pytest.mark.parametrize("claimed", [None, "text/html", "image/svg+xml", "application/octet-stream"])
def test_a_signature_stands_over_a_claim(media_type: str, start: bytes, claimed: str | None) -> None:
    assert media_type_of(start, claimed, "x.html") == media_type


@pytest.mark.parametrize(
    "claimed", ["image/png", "audio/mpeg", "video/mp4", "application/pdf", "application/zip"]
)
def test_a_claim_whose_signature_is_missing_counts_for_nothing(claimed: str) -> None:
    assert media_type_of(b"<script>alert(1)</script>", claimed, "x.png") == "text/plain"
    assert media_type_of(b"\x00\x01\x02\x03", claimed, "x.png") == "application/octet-stream"


@pytest.mark.parametrize(
    ("start", "claimed", "name", "media_type"),
    [
        (b"# Notes", None, "notes.MD", "text/markdown"),
        (b"a,b", "application/octet-stream", "t.csv", "text/csv"),
        (b"{}", "application/json; charset=utf-8", "t", "application/json"),
        (b"plain words", None, "README", "text/plain"),
        (b"\xff\xfeh\x00i\x00", None, "x", "text/plain"),
        (b"\x00\x01", None, "x", "application/octet-stream"),
        (b"", None, "x", "application/octet-stream"),
        (b"<svg/>", "image/svg+xml", "x.svg", "image/svg+xml"),
        (b"words", "not a type\r\nX-Evil: 1", "x", "text/plain"),
        (b"PK\x03\x04", DOCX, "x.docx", DOCX),
        (b"PK\x03\x04", None, "x.docx", DOCX),
        (b"PK\x03\x04", "text/html", "x.html", "application/zip"),
        (b"\x00\x00\x00\x18ftypM4A ", None, "x", "audio/mp4"),
        (b"\x1a\x45\xdf\xa3....webm", "audio/webm", "x", "audio/webm"),
    ],
)
def test_without_a_signature_the_claim_counts_then_the_name_then_the_look(
    start: bytes, claimed: str | None, name: str, media_type: str
) -> None:
    assert media_type_of(start, claimed, name) == media_type


@pytest.mark.parametrize(
    "media_type",
    ["text/html", "image/svg+xml", "application/xml", "application/xhtml+xml", "application/pdf", "text/xml",
     "text/javascript", "application/octet-stream", "", "text/markdown"],
)  # fmt: skip
def test_what_can_hold_script_is_never_shown_in_place(media_type: str) -> None:
    assert not safe_to_show(media_type)


@pytest.mark.parametrize("media_type", ["image/png", "image/webp", "audio/mpeg", "video/mp4", "text/plain"])
def test_pictures_sound_films_and_plain_words_may_be_shown(media_type: str) -> None:
    assert safe_to_show(media_type)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("grün\r\nblau\r".encode(), "grün\nblau\n"),
        ("\ufeffgrün".encode(), "grün"),
        ("grün".encode("utf-16"), "grün"),
        ("\ufeffgrün".encode("utf-16-be"), "grün"),
        ("grün €".encode("cp1252"), "grün €"),
        (b"", ""),
        (b"\x00\x01\x02", None),
        (b"\xff\xfe\x00\xd8\x00", None),
    ],
)
def test_words_are_read_in_utf_8_utf_16_or_windows_1252(data: bytes, text: str | None) -> None:
    assert decoded(data) == text


def test_a_character_that_the_cap_cuts_in_two_is_left_out() -> None:
    assert decoded("grün".encode()[:3], whole=False) == "gr"


def test_text_is_told_by_its_type() -> None:
    assert is_text("text/x-python")
    assert is_text("application/ld+json")
    assert not is_text("application/pdf")


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\notes.txt", "notes.txt"),
        ("a\r\nb\x00.txt", "ab.txt"),
        ("  .. ", "file"),
        (None, "file"),
        ("\u202egnp.exe", "gnp.exe"),
        ("x" * 300 + ".txt", "x" * 196 + ".txt"),
    ],
)
def test_a_name_keeps_neither_folders_nor_control_characters(name: str | None, plain: str) -> None:
    assert plain_name(name) == plain


def test_a_file_without_a_name_gets_the_ending_of_its_type() -> None:
    assert plain_name(None, "application/json") == "file.json"
