"""Writes docs/features/command-line.md from the commands' own help, so that the two cannot differ.

    python -m windowseat.entrypoints.cli.help_page > docs/features/command-line.md

A test fails when the page is stale. It is no command of its own and adds no word about any.
"""

from __future__ import annotations

from collections.abc import Iterator

import click

_HEAD = """# The command line

`windowseat` is the client of the house that has this home open, through a socket only you can reach; when
nobody has, the command opens the house itself for as long as it runs. So everything works alike with and
without a server, and a turn lives in the house: a command that is killed loses nothing, and the answer goes
on.

- In a terminal the answer streams; what goes on beside it (thinking, tools, waiting) is quiet and on
  stderr. In a pipe stdout holds the answer's words and nothing else.
- **Ctrl-C** stops the answer and keeps what came; a second one leaves at once.
- A tool that changes something outside the thread asks at the terminal: once, for this thread, always, no
  with a reason, or with other arguments. In a pipe nobody can be asked, so the answer is no, unless
  `--approve` is given.
- `--json` prints each event as a line; the last is `{"type":"settled","thread":…,"turn":…,"messages":[user,
  assistant]}`.
- Exit codes: 0 done, 1 the turn ended in an error, 2 wrong use, 3 not reachable, refused or in use, 130
  interrupted.

This page is written by `python -m windowseat.entrypoints.cli.help_page` from what each command says of
itself.
"""


def page() -> str:
    """The whole page, as Markdown."""
    from windowseat.entrypoints.cli import windowseat

    return _HEAD + "".join(_sections(windowseat, "windowseat"))


def _sections(command: click.Command, name: str) -> Iterator[str]:
    context = click.Context(command, info_name=name, terminal_width=100, max_content_width=100)
    yield f"\n## {name}\n\n```\n{command.get_help(context).strip()}\n```\n"
    if isinstance(command, click.Group):
        for each in sorted(command.commands):
            yield from _sections(command.commands[each], f"{name} {each}")


if __name__ == "__main__":
    click.echo(page(), nl=False)
