"""Files: bytes that a user or a tool put in, kept once per content, with their words where there are some.

For the entrypoints (put in, served), for the dialects (facts and base64) and for tools (words).

    files = Files(database, home.files, clock, ids, most_bytes=100_000_000)
    row = await files.put(user, request.stream(), "notes.pdf", "application/pdf")   # row.file is its id
    row, path = await files.open(user, row.file)       # NotFound where it is not this user's
    await files.mark_used(user, [row.file])            # else it goes after a day
    await files.sweep()                                # once in a while
"""

from windowseat.features.files.media import is_text, safe_to_show
from windowseat.features.files.service import Files
from windowseat.features.files.store import FileRow

__all__ = ["FileRow", "Files", "is_text", "safe_to_show"]
