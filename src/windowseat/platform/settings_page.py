"""Writes the page of the docs about settings from their table, so that the two cannot differ.

python -m windowseat.platform.settings_page > docs/features/settings.md
"""

from __future__ import annotations

import sys

from windowseat.platform.settings import SETTINGS, Setting

HEAD = """# Settings

<!-- Made from src/windowseat/platform/settings.py by: python -m windowseat.platform.settings_page -->

A setting is read once, when the program starts. An environment variable stands over a line of `settings.toml`
in the home, which stands over the default. `windowseat settings` shows each value and where it is from.

- In the environment a list is divided by commas; a variable that is empty counts as not set.
- In `settings.toml` a text stands in quotes and a list in brackets: `hosts = ["chat.example.org"]`.
- An unknown name or a wrong value stops the start with the place and what to do; nothing is guessed.
- `WINDOWSEAT_HOME` names the home itself, so it is a variable only. Nothing else within a value is expanded.

| setting | variable | kind | default | meaning |
|---|---|---|---|---|
"""


def settings_page() -> str:
    """The page as Markdown."""
    return HEAD + "".join(_row(setting) for setting in SETTINGS)


def _row(setting: Setting) -> str:
    kind = setting.kind
    if setting.choices:
        kind = "one of " + ", ".join(f"`{choice}`" for choice in setting.choices)
    if setting.least is not None:
        kind += (
            f", {setting.least:g} to {setting.most:g}"
            if setting.most is not None
            else f", {setting.least:g} or more"
        )
    default = "none" if setting.default in (None, "", ()) else f"`{setting.default}`"
    if isinstance(setting.default, float):
        default = f"`{setting.default:g}`"
    return f"| `{setting.name}` | `{setting.variable}` | {kind} | {default} | {setting.meaning} |\n"


if __name__ == "__main__":
    sys.stdout.write(settings_page())
