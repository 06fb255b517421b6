"""The log: one line per record on stderr, quiet by default, with secrets struck out.

It is for whoever runs the program; what a person does wrong is told by a Fault, not by the log.
"""

from __future__ import annotations

import logging
import re
import sys
from typing import TextIO

STRUCK = "[secret]"

# Shapes of secrets: keys as providers give them out, bearer and basic headers, passwords within a URL,
# and names that announce one in a header, a query or JSON.
_SHAPES = re.compile(
    r"""
      \b(?:sk|pk|rk|gsk|xai|hf|wsk|AIza)[-_A-Za-z0-9]{16,}
    | (?<=://)[^/\s:@]*:[^/\s@]+(?=@)
    | (?<=\bbearer\s)[^\s"',;]+ | (?<=\bbasic\s)[^\s"',;]+
    | (?<=[?&]key=)[^\s&"']+ | (?<=[?&]token=)[^\s&"']+
    | (?P<name>(?:x-)?api[-_]key|authorization|(?:set-)?cookie|password|secret
        |(?:access|sign[-_]in)[-_]token)
      (?P<between>["']?\s*[:=]\s*["']?)(?:(?:bearer|basic)\s+)?[^\s"',;&}]+
    """,
    re.VERBOSE | re.IGNORECASE,
)


class SecretsStruck(logging.Formatter):
    """Formats a record and strikes out secrets: the known shapes, and the values that it was told.

    The whole text is treated, an exception's included: a library's own message may quote a header.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S")
        self._told: set[str] = set()

    def hide(self, value: str) -> None:
        """Strike this value wherever it comes; one under eight characters would strike plain words."""
        if len(value) >= 8:
            self._told.add(value)

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        for value in tuple(self._told):
            text = text.replace(value, STRUCK)
        return strike_secrets(text)


def strike_secrets(text: str) -> str:
    """The text with everything that has the shape of a secret struck out."""
    return _SHAPES.sub(_strike, text)


def _strike(match: re.Match[str]) -> str:
    name = match["name"]
    return f"{name}{match['between']}{STRUCK}" if name else STRUCK


def set_up_log(level: str = "warning", stream: TextIO | None = None) -> SecretsStruck:
    """Send the log of the whole process to stderr; returns the formatter, to tell it what to hide.

    `level` is a name of `logging`. Called once, where a program starts; a second call takes over.
    """
    formatter = SecretsStruck()
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    return formatter
