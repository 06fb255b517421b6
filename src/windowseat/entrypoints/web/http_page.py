"""Writes the page of the docs about HTTP from the routes' tables, so that the two cannot differ.

python -m windowseat.entrypoints.web.http_page > docs/features/http.md
"""

from __future__ import annotations

import sys

from windowseat.entrypoints.web.asgi import RESOURCES
from windowseat.entrypoints.web.route import Route

HEAD = """# The HTTP interface

<!-- Made from src/windowseat/entrypoints/web by: python -m windowseat.entrypoints.web.http_page -->

The page, the command line and programs use the same addresses. `/docs` on a running server says what each
takes and gives, and `/api/openapi.json` says it to programs.

- **Who asks**: a browser by its cookie (see [signing in](sign-in.md)), a program by `Authorization: Bearer
  KEY` (`windowseat key new NAME --api`), a command by the socket in the home's folder `run`, which is
  always the owner.
- **Shapes**: JSON in and out; ids are UUIDs, times RFC 3339 in UTC, money `{amount, currency}` with the
  amount as a text, what is unknown is null. A field that is not known is refused. A body has 32 MiB at the
  most and nests 100 deep.
- **Errors** are `application/problem+json`: `{type, title, status, code, detail, hint}`. `code` is stable,
  `hint` is the one thing to do. What is not yours is not there (404).
- **Behind a proxy**: set `hosts` to the names that browsers use, `base_path` to the path under which it
  shows the server, and `trusted_proxies` to its addresses; only theirs are `X-Forwarded-For`, `-Proto` and
  `-Host` believed.

## Following

`GET /api/turns/{turn}/events?after=N` is one turn as `text/event-stream`: `id:` is the event's number,
`event:` its type, `data:` its JSON. Whoever comes back names its last number (`after` or `Last-Event-ID`)
and gets the rest without a gap or a double; after the last event the stream ends, and asking once more is
answered with 204.

`GET /api/events` is one stream for a whole browser tab, and is resumed by its query:

| query | what comes |
|---|---|
| `turn=ID:N` | that turn's events after number N; `id:` is `TURN:N` |
| `thread=ID` | every turn that runs or starts in that thread, from its first event |
| `list=threads:V` | `changed {list, version}` when it is newer than V: ask `/api/threads?since=V` |

A quiet stream says `: still here` every 15 seconds. A stream ends when its reader goes, its sign-in or key
ends, or the server stops; leaving one never stops a turn. Where the journal cannot be written, the last
event is `problem`.

## Addresses
"""


def http_page() -> str:
    """The page as Markdown."""
    parts = [HEAD]
    for resource in RESOURCES:
        described = [route for route in resource.ROUTES if not route.internal]
        if described:
            title = resource.__name__.rpartition(".")[2].replace("_", "-")
            parts.append(f"\n**{title}**\n\n| | |\n|---|---|\n")
            parts += [_row(route) for route in described]
    return "".join(parts)


def _row(route: Route) -> str:
    query = f"?{'&'.join(each.name for each in route.query)}" if route.query else ""
    said = " ".join((route.endpoint.__doc__ or "").split())
    return f"| `{route.method} {route.path}{query}` | {said} |\n"


if __name__ == "__main__":
    sys.stdout.write(http_page())
