"""Files over HTTP: bytes in, bytes out, and never as something that a browser would run.

What kind of thing the bytes are and where they lie is the files feature's.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from windowseat.core.errors import NotFound, Refused
from windowseat.entrypoints.web.answers import answer
from windowseat.entrypoints.web.route import Query, Route
from windowseat.entrypoints.web.security import user_of
from windowseat.entrypoints.web.services import services_of
from windowseat.features.files import FileRow, safe_to_show


@dataclass(frozen=True, slots=True, kw_only=True)
class FileShown:
    """A file as it is named elsewhere: `file` is its id, `size` in bytes."""

    file: str
    media_type: str
    size: int
    name: str


async def put_file(request: Request) -> Response:
    """Put the bytes of the body in as a file; a file that no message names within a day is removed."""
    media_type = request.headers.get("content-type", "")
    if media_type.lower().startswith("multipart/"):
        raise Refused(
            "file_not_plain",
            "A form was sent; a file is sent as the body itself.",
            hint="Send the bytes, their type as Content-Type and the name as ?name=.",
            status=415,
        )
    files = services_of(request).files
    row = await files.put(user_of(request), request.stream(), request.query_params.get("name"), media_type)
    return answer(_shown(row), status=201)


async def get_file(request: Request) -> Response:
    """The bytes of a file, or a range of them; as an attachment unless its kind is safe to show."""
    row, path = await services_of(request).files.open(user_of(request), request.path_params["file"])
    if not path.is_file():
        raise NotFound(
            "file_bytes_missing",
            "The bytes of this file are no longer in the home.",
            hint="Put the file in again, or restore the folder files/ from a backup.",
        )
    how = "inline" if safe_to_show(row.media_type) else "attachment"
    headers = {
        "Content-Disposition": f"{how}; filename*=UTF-8''{quote(row.name, safe='')}",
        "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
        "Cache-Control": "private, max-age=3600",
    }
    return FileResponse(path, headers=headers, media_type=row.media_type)


def _shown(row: FileRow) -> FileShown:
    return FileShown(file=row.file, media_type=row.media_type, size=row.size, name=row.name)


ROUTES = (
    Route(
        "POST", "/api/files", put_file, "application/octet-stream", FileShown, 201,
        (Query(name="name", meaning="The file's name."),),
    ),
    Route("GET", "/api/files/{file}", get_file, gives="application/octet-stream"),
)  # fmt: skip
