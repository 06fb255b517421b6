"""The command line, `windowseat`: the house's client when it is open, its owner for a moment when not.

reach.py finds or opens the house, client.py speaks to it, talk.py, providers.py and manage.py hold the
commands, asking.py runs one turn, printing.py shows it, serve.py starts the server. Nothing heavy is
imported before a command needs it.
"""

from __future__ import annotations

import sys

import click

from windowseat.core.errors import Fault, Refused
from windowseat.entrypoints.cli import manage, providers, talk
from windowseat.entrypoints.cli.asking import INTERRUPTED, NOT_REACHABLE, WRONG_USE
from windowseat.entrypoints.cli.serve import serve_command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def windowseat() -> None:
    """Talk with every language model, from a seat where its working memory can be seen."""


for _command in (
    serve_command,
    talk.ask_command,
    talk.chat_command,
    talk.threads_command,
    talk.show_command,
    manage.models_command,
    providers.connect_command,
    providers.providers_command,
    providers.test_command,
    providers.ledger_command,
    manage.key_command,
    manage.link_command,
    manage.settings_command,
    manage.completion_command,
    manage.version_command,
):
    windowseat.add_command(_command)


def main() -> None:
    """Run the command; a fault is said in two lines and an exit code, never as a trace."""
    try:
        windowseat.main(prog_name="windowseat", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(WRONG_USE)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.exit(0)  # whoever read the output has seen enough
    except Fault as fault:
        click.secho(fault.detail, fg="red", err=True)
        if fault.hint:
            click.echo(fault.hint, err=True)
        sys.exit(WRONG_USE if isinstance(fault, Refused) else NOT_REACHABLE)
