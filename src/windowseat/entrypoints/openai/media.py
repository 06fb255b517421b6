"""Pictures, sounds and documents of a request, as parts: by address, or with their bytes in a `data:` URL.

Nothing is fetched and nothing is kept: a `data:` URL stays in the part and goes on from there. What a model
or its wire cannot take is said by its dialect.
"""

from __future__ import annotations

import base64
import binascii
import mimetypes
import re
from urllib.parse import unquote_to_bytes, urlsplit

from windowseat.core.parts import Audio, File, Image, Part, Text, Video
from windowseat.entrypoints.openai.errors import WrongRequest
from windowseat.features.providers.dialects.encoding import SOUNDS, document_as_words

_DATA = re.compile(r"data:(?P<type>[^;,]*)(?P<more>[^,]*),", re.IGNORECASE)
_SOUND_TYPES = {name: kind for kind, name in reversed(SOUNDS.items())}
_WORDS = re.compile(r"text/|application/(?:json|xml|yaml|x-yaml|toml|javascript|sql)$|.*\+(?:json|xml)$")
"""Media types of documents that go in as words."""


def image(url: str, place: str) -> Image:
    """A picture by its address. Raises WrongRequest for what is no address."""
    kind, url = _known(url, place, "image/*")
    return Image(media_type=kind, url=url)


def video(url: str, place: str) -> Video:
    """A film by its address. Raises WrongRequest for what is no address."""
    kind, url = _known(url, place, "video/*")
    return Video(media_type=kind, url=url)


def sound(data: str, format: str, place: str) -> Audio:
    """A sound from its base64 and the wire's name for its format. Raises WrongRequest for an unknown one."""
    kind = _SOUND_TYPES.get(format)
    if kind is None:
        known = ", ".join(sorted(_SOUND_TYPES))
        raise WrongRequest(
            place, f"The sound format “{format[:40]}” is not known.", hint=f"Known are: {known}."
        )
    return Audio(media_type=kind, url=f"data:{kind};base64,{data}")


def document(source: str, name: str | None, place: str) -> Part:
    """A document by its address, a `data:` URL, or its bare base64; one that is text becomes words.

    Raises WrongRequest for what is none of these.
    """
    if "://" not in source[:12] and source[:5].lower() != "data:":
        kind = mimetypes.guess_type(name or "")[0] or "application/pdf"
        source = f"data:{kind};base64,{source}"
    kind, url = _known(source, place, "application/pdf")
    if _WORDS.match(kind) and url.startswith("data:"):
        return Text(text=document_as_words(name or "", _decoded(url, place)))
    return File(media_type=kind, url=url, name=name)


def _known(url: str, place: str, otherwise: str) -> tuple[str, str]:
    """The media type of an address, and the address; a `data:` URL always in base64."""
    data = _DATA.match(url)
    if data is not None:
        kind = data["type"].lower() or "text/plain"
        if not data["more"].lower().endswith(";base64"):
            written = base64.b64encode(unquote_to_bytes(url[data.end() :])).decode()
            return kind, f"data:{kind};base64,{written}"
        return kind, f"data:{kind};base64,{url[data.end() :]}"
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https", "gs", "s3") or not parts.netloc:
        raise WrongRequest(
            place,
            "This is no address.",
            code="invalid_image_url" if otherwise.startswith("image") else "invalid_value",
            hint="Give an address that begins with https://, or the bytes as a data: URL.",
        )
    guessed = mimetypes.guess_type(parts.path)[0] or ""
    same_kind = guessed.split("/")[0] == otherwise.split("/", maxsplit=1)[0]
    return guessed if same_kind else otherwise, url


def _decoded(url: str, place: str) -> str:
    try:
        return base64.b64decode(url.partition(",")[2], validate=False).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        raise WrongRequest(place, "The bytes are no base64.", hint="Encode them again.") from None
