"""Settings are data: each has a name, a kind, a default and one sentence; they are read once, at start.

An environment variable WINDOWSEAT_NAME stands over a line of settings.toml, which stands over the default.
Writing the file is settings_file.py. Nothing here is a setting of one user; those are rows.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from math import isfinite
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, get_args, get_type_hints

from windowseat.core.errors import Fault

PREFIX = "WINDOWSEAT_"
# It says where the file of settings is, so it cannot be a line of it.
_NOT_SETTINGS = {"WINDOWSEAT_HOME"}
_KINDS: Mapping[Any, str] = {
    str: "text",
    str | None: "text",
    int: "whole number",
    float: "number",
    tuple[str, ...]: "list of texts",
    Path | None: "path",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a setting means, and which values it may have."""

    meaning: str
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting(About):
    """One row of the table. `kind`: text, whole number, number, list of texts, path."""

    name: str
    kind: str
    default: Any
    secret: bool

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What this installation was told. The table is this class: type, default, meaning, and limits of each.

    `origins` says where each value is from. What does not show in a repr may hold a password.
    """

    host: Annotated[str, About(meaning="The address that the server listens on.")] = "127.0.0.1"
    port: Annotated[
        int,
        About(
            meaning="The port; when it is in use the next free one is taken, and 0 takes any.",
            least=0,
            most=65535,
        ),
    ] = 8321
    hosts: Annotated[
        tuple[str, ...],
        About(meaning="Names by which browsers may reach the server, besides localhost and the host."),
    ] = ()
    trusted_proxies: Annotated[
        tuple[str, ...],
        About(meaning="Addresses or networks of proxies whose forwarded headers are believed."),
    ] = ()
    base_path: Annotated[
        str, About(meaning="The path under which a proxy shows the server, for instance /windowseat.")
    ] = ""
    default_model: Annotated[
        str | None,
        About(
            meaning="The model that answers where none is named, as connection/model-id; else the built-in."
        ),
    ] = None
    connect_timeout: Annotated[
        float, About(meaning="Seconds that a provider may take to accept a connection.", least=0.1)
    ] = 10.0
    silence_timeout: Annotated[
        float, About(meaning="Seconds that a provider may send nothing before its step ends.", least=1)
    ] = 300.0
    steps_per_turn: Annotated[
        int, About(meaning="Requests to a provider that one turn may make.", least=1)
    ] = 25
    upload_megabytes: Annotated[
        int, About(meaning="The largest file that may be put in, in MB.", least=1)
    ] = 100
    engine_idle_minutes: Annotated[
        float,
        About(meaning="Minutes without a request until the local engine gives its memory back.", least=0),
    ] = 10.0
    journal_hours: Annotated[
        float, About(meaning="Hours for which the journal of a settled turn is kept whole.", least=0)
    ] = 24.0
    log_level: Annotated[
        str,
        About(meaning="What the log on stderr tells.", choices=("debug", "info", "warning", "error")),
    ] = "warning"
    database_url: Annotated[
        str | None,
        About(meaning="The database, as sqlite:////path/to/file; else windowseat.db in the home."),
    ] = field(default=None, repr=False)
    key_file: Annotated[
        Path | None,
        About(meaning="The file with the key that seals the keys of connections; else one in the home."),
    ] = None
    origins: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)


def _table() -> tuple[Setting, ...]:
    hints = get_type_hints(Settings, include_extras=True)
    rows = []
    for one in fields(Settings):
        if one.name != "origins":
            kind, about = get_args(hints[one.name])
            limits = {limit.name: getattr(about, limit.name) for limit in fields(About)}
            facts: dict[str, Any] = {"kind": _KINDS[kind], "default": one.default, "secret": not one.repr}
            rows.append(Setting(name=one.name, **facts, **limits))
    return tuple(rows)


SETTINGS: tuple[Setting, ...] = _table()
BY_NAME: Mapping[str, Setting] = MappingProxyType({setting.name: setting for setting in SETTINGS})


def read_settings(file: Path, environ: Mapping[str, str]) -> Settings:
    """Read all settings once. A variable that is set and empty counts as not set.

    Raises Fault `settings_unreadable`, `setting_unknown`, `setting_wrong`, each with where and what to do.
    """
    values: dict[str, Any] = {}
    origins = {setting.name: "default" for setting in SETTINGS}
    text = _text_of(file)
    for name, given in parse_file(text, file).items():
        where = f"{file}, line {line_of(text, name)}"
        values[name] = value_of(_known(name, where), given, where)
        origins[name] = where
    for variable, given in environ.items():
        if not variable.startswith(PREFIX) or variable in _NOT_SETTINGS or not given:
            continue
        setting = _known(variable.removeprefix(PREFIX).lower(), f"environment, {variable}")
        values[setting.name] = value_of_text(setting, given, f"environment, {variable}")
        origins[setting.name] = f"environment, {variable}"
    return Settings(**values, origins=MappingProxyType(origins))


def parse_file(text: str, file: Path) -> dict[str, Any]:
    """The file as TOML. Raises Fault `settings_unreadable` with the line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Fault(
            "settings_unreadable",
            f"{file} is not TOML: {error}.",
            hint='Correct that line; a text stands in quotes, as in: host = "127.0.0.1"',
        ) from error


def line_of(text: str, name: str) -> int:
    """The number of the line that sets a name, from 1; 0 where no plain line does."""
    pattern = re.compile(rf"\s*(?:{re.escape(name)}|\[+\s*{re.escape(name)}\b.*\]+)\s*(?:=|$)")
    return next((n for n, line in enumerate(text.splitlines(), 1) if pattern.match(line)), 0)


def value_of(setting: Setting, given: Any, where: str) -> Any:
    """A value as TOML gives it, checked and with its type. Raises Fault `setting_wrong`."""
    match setting.kind:
        case "text" if isinstance(given, str) and not setting.choices:
            return given
        case "text" if isinstance(given, str) and given.lower() in setting.choices:
            return given.lower()
        case "path" if isinstance(given, str) and given:
            return Path(given).expanduser().absolute()
        case "whole number" if type(given) is int and _within(setting, given):
            return given
        case "number" if type(given) in (int, float) and _within(setting, given):
            return float(given)
        case "list of texts" if isinstance(given, list) and all(isinstance(item, str) for item in given):
            return tuple(given)
    raise _wrong(setting, where)


def value_of_text(setting: Setting, given: str, where: str) -> Any:
    """A value as a variable or the command line gives it; a list is divided by commas."""
    return value_of(setting, toml_value_of(setting, given, where), where)


def toml_value_of(setting: Setting, given: str, where: str) -> Any:
    """The same before it is checked, as it would stand in the file."""
    try:
        match setting.kind:
            case "whole number":
                return int(given)
            case "number":
                return float(given) if not given.lstrip("+-").isdigit() else int(given)
            case "list of texts":
                return [item.strip() for item in given.split(",") if item.strip()]
    except ValueError:
        raise _wrong(setting, where) from None
    return given


def _text_of(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise Fault(
            "settings_unreadable",
            f"{file} cannot be read: {error}.",
            hint="Give this user the right to read it, and save it as UTF-8.",
        ) from error


def _known(name: str, where: str) -> Setting:
    if name in BY_NAME:
        return BY_NAME[name]
    from difflib import get_close_matches

    close = get_close_matches(name, BY_NAME, n=1)
    raise Fault(
        "setting_unknown",
        f"There is no setting {name!r} ({where}).",
        hint=f"Did you mean {close[0]}?" if close else "`windowseat settings` lists all of them.",
    )


def _within(setting: Setting, value: float) -> bool:
    above = setting.least is None or value >= setting.least
    return isfinite(value) and above and (setting.most is None or value <= setting.most)


def _wrong(setting: Setting, where: str) -> Fault:
    wanted = f"a {setting.kind}"
    if setting.choices:
        wanted = "one of " + ", ".join(setting.choices)
    if setting.least is not None:
        wanted += f" from {setting.least:g}" + (
            f" to {setting.most:g}" if setting.most is not None else " on"
        )
    return Fault("setting_wrong", f"{setting.name} has to be {wanted} ({where}).", hint=setting.meaning)
