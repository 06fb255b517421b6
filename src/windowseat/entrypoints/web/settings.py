"""The settings as they hold: value, default, meaning, and where each is from. They are changed by
`windowseat settings` and read at start, so that nothing here changes one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from windowseat.entrypoints.web.answers import answer
from windowseat.entrypoints.web.route import Route
from windowseat.entrypoints.web.security import user_of
from windowseat.entrypoints.web.services import services_of
from windowseat.platform.settings import SETTINGS, Setting, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingShown:
    """A setting. `value` is null where it is secret, or nobody set it and there is no default; `source` is
    where it is from."""

    name: str
    variable: str
    kind: str
    meaning: str
    value: Any
    default: Any
    source: str
    secret: bool
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsShown:
    """All settings in the order of their table."""

    settings: tuple[SettingShown, ...]


async def list_settings(request: Request) -> Response:
    """All settings, each with its value, its meaning and where the value is from."""
    user_of(request)
    settings = services_of(request).settings
    return answer(SettingsShown(settings=tuple(shown(setting, settings) for setting in SETTINGS)))


def shown(setting: Setting, settings: Settings) -> SettingShown:
    """The setting as it holds; the value of a secret one is left out."""
    return SettingShown(
        name=setting.name,
        variable=setting.variable,
        kind=setting.kind,
        meaning=setting.meaning,
        value=None if setting.secret else _plain(getattr(settings, setting.name)),
        default=_plain(setting.default),
        source=settings.origins.get(setting.name, "default"),
        secret=setting.secret,
        choices=setting.choices,
    )


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | tuple) else str(value)


ROUTES = (Route("GET", "/api/settings", list_settings, gives=SettingsShown),)
