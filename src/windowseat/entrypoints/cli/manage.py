"""The commands for what the house knows: models, keys, sign-in links, settings."""

from __future__ import annotations

import json

import click

from windowseat.core.errors import Refused
from windowseat.entrypoints.cli.reach import get_known_model, home_and_settings, house
from windowseat.entrypoints.cli.talk import json_option
from windowseat.platform.settings import SETTINGS
from windowseat.platform.settings_file import unset_setting, write_setting


@click.group(name="models", invoke_without_command=True)
@json_option
@click.pass_context
def models_command(context: click.Context, as_json: bool) -> None:
    """List the models that can be asked; `models get NAME` fetches one to this machine."""
    if context.invoked_subcommand is not None:
        return
    with house("models") as client:
        listed = client.get("/api/models")
    if as_json:
        click.echo(json.dumps(listed, ensure_ascii=False))
        return
    for model in listed["models"]:
        window = f"{model['window']:,} tokens" if model.get("window") else "window unknown"
        click.echo(f"{model['name']}  {window}  {model.get('title') or ''}".rstrip())


@models_command.command(name="get")
@click.argument("name")
def models_get(name: str) -> None:
    """Fetch the model NAME, such as smollm2, and keep it in the home."""
    home, _ = home_and_settings()
    get_known_model(name, home)
    click.echo(f"{name} is there: ask it with `windowseat ask -m local/{name} …`", err=True)


@click.group(name="key")
def key_command() -> None:
    """Keys with which programs use this house."""


@key_command.command(name="new")
@click.argument("name")
@click.option("--api", is_flag=True, help="For /api as well, which is all that you can do yourself.")
def key_new(name: str, api: bool) -> None:
    """Make a key and print it, this once."""
    with house("key") as client:
        made = client.send("POST", "/api/keys", {"name": name, "scope": "api" if api else "v1"})
    click.echo(f"The key of {name}, shown this once: {made['key']}")


@key_command.command(name="list")
def key_list() -> None:
    """List the keys, without their secret."""
    with house("key") as client:
        for key in client.get("/api/keys")["keys"]:
            click.echo(f"{key['id']}  {key['scope']:3}  {key['name']}")


@key_command.command(name="end")
@click.argument("key")
def key_end(key: str) -> None:
    """End the KEY with this id; programs that use it are turned away."""
    with house("key") as client:
        client.send("DELETE", f"/api/keys/{key}")


@click.command(name="link")
def link_command() -> None:
    """Print a new one-time link that signs a browser in to the running server."""
    with house("link") as client:
        made = client.send("POST", "/api/sign-ins/link")
    if not made.get("url"):
        raise Refused(
            "not_serving", "No server runs.", hint="Start it with `windowseat serve`, which prints one."
        )
    click.echo(made["url"])


@click.command(name="settings")
@click.argument("name", required=False)
@click.argument("value", required=False)
@click.option("--unset", is_flag=True, help="Go back to the default of NAME.")
def settings_command(name: str | None, value: str | None, unset: bool) -> None:
    """List the settings, or show, set or unset one. They hold from the next start of the server."""
    home, settings = home_and_settings()
    if name is None:
        for each in SETTINGS:
            origin = settings.origins.get(each.name, "default")
            shown = "(set)" if each.secret and getattr(settings, each.name) else getattr(settings, each.name)
            click.secho(f"{each.name} = {shown}", bold=True, nl=False)
            click.echo(f"  ({origin})\n    {each.meaning}")
    elif unset:
        unset_setting(home.settings_file, name)
    elif value is not None:
        write_setting(home.settings_file, name, value)
    else:
        known = {each.name: each for each in SETTINGS}
        if name not in known:
            raise Refused(
                "setting_unknown", f"There is no setting {name}.", hint="`windowseat settings` lists them."
            )
        click.echo(getattr(settings, name))


@click.command(name="version")
def version_command() -> None:
    """Print the version."""
    from windowseat import __version__

    click.echo(__version__)


@click.command(name="completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion_command(context: click.Context, shell: str) -> None:
    """Print what completes commands in SHELL; load it from your shell's start file."""
    from click.shell_completion import get_completion_class

    root = context.find_root()
    completion = get_completion_class(shell)
    assert completion is not None
    click.echo(completion(root.command, {}, "windowseat", "_WINDOWSEAT_COMPLETE").source())
