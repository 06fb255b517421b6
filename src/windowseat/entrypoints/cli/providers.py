"""The commands for providers: `connect` one, `providers` that are known, `test` a connection, `ledger`.

Keys are read from a pipe or typed unseen, and never printed. What a provider is, is not known here.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from windowseat.core.errors import Refused
from windowseat.core.model import DIALECTS
from windowseat.entrypoints.cli.asking import DONE, ENDED_IN_ERROR
from windowseat.entrypoints.cli.client import Client
from windowseat.entrypoints.cli.reach import house
from windowseat.entrypoints.cli.talk import json_option


@click.command(name="connect")
@click.argument("name")
@click.option("--dialect", type=click.Choice(DIALECTS), help="The wire format it speaks.")
@click.option("--url", help="The base URL that the provider documents.")
@click.option("--key", help='The key; "-" asks for it or reads a pipe, so that no history keeps it.')
@click.option("--header", "headers", multiple=True, metavar="N=V", help="An extra header; may be repeated.")
@click.option("--query", "query", multiple=True, metavar="N=V", help="An extra query value; may be repeated.")
def connect_command(
    name: str, headers: tuple[str, ...], query: tuple[str, ...], key: str | None, **where: str | None
) -> None:
    """Connect a provider under NAME; its models are then NAME/MODEL. Once more replaces what was set.

    A provider that `windowseat providers` lists needs no dialect and no URL.
    """
    body: dict[str, Any] = {"name": name, **{field: value for field, value in where.items() if value}}
    body["headers"], body["query"] = _pairs(headers, "--header"), _pairs(query, "--query")
    if key is not None:
        body["key"] = _key_unseen() if key == "-" else key
    with house("connect") as client:
        own = {each["name"] for each in client.get("/api/connections")["connections"] if each["by"] == "user"}
        if name in own:
            client.send("PATCH", f"/api/connections/{name}", {k: v for k, v in body.items() if k != "name"})
        else:
            client.send("POST", "/api/connections", _completed(client, body))
    click.echo(f"Connected. Try it with: windowseat test {name}", err=True)


def _completed(client: Client, body: dict[str, Any]) -> dict[str, Any]:
    """What is to be connected, with the dialect and URL of a known provider where they are not given."""
    known = {each["name"]: each for each in client.get("/api/providers")["providers"]}
    provider = known.get(body["name"], {})
    for field, option in (("dialect", "--dialect"), ("url", "--url")):
        if not body.get(field):
            if not provider.get(field):
                example = f" such as {provider['url_example']}" if provider.get("url_example") else ""
                raise Refused(
                    "connection_incomplete",
                    f"Where {body['name']} is reached is not known.",
                    hint=f"Give it with {option}{example}; `windowseat providers` lists what needs none.",
                )
            body[field] = provider[field]
    return body


@click.command(name="providers")
@json_option
def providers_command(as_json: bool) -> None:
    """List the providers that are known by name, and where each gives a key."""
    with house("providers") as client:
        listed = client.get("/api/providers")
    if as_json:
        click.echo(json.dumps(listed, ensure_ascii=False))
        return
    for each in listed["providers"]:
        where = "on this machine" if each["local"] else each["key_url"]
        click.echo(f"{each['name']:<16} {each['title']:<28} {where}")


@click.command(name="test")
@click.argument("connection")
@click.option("-m", "--model", help="The model to ask; a small one of its list where none is named.")
@json_option
def test_command(connection: str, model: str | None, as_json: bool) -> None:
    """Send one cheap real request through CONNECTION and say what came of it."""
    body = {"model": model} if model else {}
    with house("test") as client:
        found = client.send("POST", f"/api/connections/{connection}/test", body)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        click.secho(found["says"], fg=None if found["ok"] else "red")
        if found["hint"]:
            click.echo(found["hint"])
    raise SystemExit(DONE if found["ok"] else ENDED_IN_ERROR)


@click.command(name="ledger")
@click.option(
    "--by",
    type=click.Choice(["message", "thread", "model", "connection", "purpose", "day", "month"]),
    default="month",
    show_default=True,
    help="What to add up by.",
)
@click.option("-t", "--thread", help="Of this thread only.")
@json_option
def ledger_command(by: str, thread: str | None, as_json: bool) -> None:
    """Say what requests used and cost, hidden ones too."""
    of_thread = f"&thread={thread}" if thread else ""
    with house("ledger") as client:
        sums = client.get(f"/api/ledger/sums?by={by}{of_thread}")
    if as_json:
        click.echo(json.dumps(sums, ensure_ascii=False))
        return
    for each in sums["sums"]:
        click.echo(_sum_line(each))
    if not sums["sums"]:
        click.echo("Nothing was asked yet.", err=True)


def _sum_line(spent: dict[str, Any]) -> str:
    usage = spent.get("usage") or {}
    price = spent.get("price")
    cost = f"{price['amount']} {price['currency']}" if price else "price unknown"
    read, written = usage.get("input_tokens") or 0, usage.get("output_tokens") or 0
    tokens = f"{read:>10,} read  {written:>9,} written"
    return f"{spent['key'] or '(none)':<40} {spent['requests']:>6} requests  {tokens}  {cost}"


def _key_unseen() -> str:
    """The key from a pipe, or typed at the terminal without being shown."""
    if sys.stdin.isatty():
        return str(click.prompt("Key", hide_input=True, err=True)).strip()
    return sys.stdin.read().strip()


def _pairs(given: tuple[str, ...], option: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise click.UsageError(f"{option} wants NAME=VALUE, not “{each}”.")
        pairs[name] = value
    return pairs
