"""Changes one line of settings.toml and leaves every other line, its comments and its order alone.

It reads no setting for the program; that is settings.py. What it writes is read back before it counts.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import tomllib
from pathlib import Path
from typing import Any

from windowseat.core.errors import Fault
from windowseat.platform.settings import BY_NAME, parse_file, toml_value_of, value_of


def write_setting(file: Path, name: str, given: str) -> None:
    """Set a name to what a person typed; the file is made (0600) when missing, and replaced in one go.

    Raises Fault `setting_unknown`, `setting_wrong`, `settings_unreadable`, `settings_not_written`.
    """
    setting = BY_NAME.get(name)
    if setting is None:
        raise _unknown(name)
    value = toml_value_of(setting, given, "as given")
    value_of(setting, value, "as given")
    _change(file, name, value)


def unset_setting(file: Path, name: str) -> bool:
    """Remove a name from the file, known or not; False where it was not there."""
    return _change(file, name, None)


def _change(file: Path, name: str, value: Any) -> bool:
    file = file.resolve()
    text = _read(file)
    before = parse_file(text, file)
    if value is None and name not in before:
        return False
    changed = _edit(text, name, value)
    wanted = {key: kept for key, kept in before.items() if key != name}
    if value is not None:
        wanted[name] = value
    try:
        edited_well = tomllib.loads(changed) == wanted
    except tomllib.TOMLDecodeError:
        edited_well = False
    if not edited_well:
        raise Fault(
            "settings_not_written",
            f"The line of {name} in {file} is written in a way that is not changed safely.",
            hint="Change it by hand with an editor.",
        )
    _replace(file, changed)
    return True


def _edit(text: str, name: str, value: Any) -> str:
    lines = text.splitlines(keepends=True)
    line = "" if value is None else f"{name} = {_as_toml(value)}"
    tables = next((n for n, old in enumerate(lines) if old.lstrip().startswith("[")), len(lines))
    start = next((n for n, old in enumerate(lines) if re.match(rf"\s*{re.escape(name)}\s*=", old)), None)
    if start is None:
        if tables and not lines[tables - 1].endswith("\n"):
            lines[tables - 1] += "\n"
        return "".join([*lines[:tables], line + "\n", *lines[tables:]])
    end = _end_of_value(lines, start)
    comment = _comment_of("".join(lines[start:end]), name)
    new = [f"{line}  {comment}\n" if comment else f"{line}\n"] if line else []
    return "".join([*lines[:start], *new, *lines[end:]])


def _end_of_value(lines: list[str], start: int) -> int:
    # A list may go over several lines: the shortest stretch that is TOML is the whole of it.
    for end in range(start + 1, len(lines) + 1):
        try:
            tomllib.loads("".join(lines[start:end]))
        except tomllib.TOMLDecodeError:
            continue
        return end
    return start + 1


def _comment_of(entry: str, name: str) -> str:
    # The sign may also stand within a text: a comment begins where what is left of it says the same.
    whole = tomllib.loads(entry).get(name)
    for mark in re.finditer("#", entry):
        try:
            if tomllib.loads(entry[: mark.start()]).get(name) == whole:
                return entry[mark.start() :].strip()
        except tomllib.TOMLDecodeError:
            continue
    return ""


def _as_toml(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_as_toml(item) for item in value) + "]"
    # A basic string of TOML escapes as JSON does, but for DEL (toml.io/en/v1.0.0#string).
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise _not_written(file, error) from error


def _replace(file: Path, text: str) -> None:
    partial = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        mode = file.stat().st_mode & 0o777 if file.exists() else 0o600
        try:
            with os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as out:
                out.write(text.encode())
                out.flush()
                os.fsync(out.fileno())
            partial.replace(file)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise _not_written(file, error) from error


def _not_written(file: Path, error: Exception) -> Fault:
    hint = "Give this user the right to write there, and see whether the disk has room."
    return Fault("settings_not_written", f"{file} could not be changed: {error}.", hint=hint)


def _unknown(name: str) -> Fault:
    hint = "`windowseat settings` lists all of them."
    return Fault("setting_unknown", f"There is no setting {name!r}.", hint=hint)
