"""The runner of migrations: brings a database to the newest schema, one numbered module at a time.

A migration is a module `mNNNN_name.py` here with `def up(conn: Connection) -> None`. It is never changed
once released, imports no table of a feature (those show today's schema, not that day's), and neither
commits nor uses `executescript`, which does. Start-up or a command runs them; an import never does.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, func, insert, inspect, select

from windowseat.core.errors import StoreFault
from windowseat.platform.database import Database

schema_version = Table(
    "schema_version",
    MetaData(),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("name", String, nullable=False),
    Column("at", String, nullable=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One step of the schema: `up` brings a database from `number` - 1 to `number`."""

    number: int
    name: str
    up: Callable[[Connection], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrated:
    """What a run did; `copy` is the file that holds the database as it was, where there was one."""

    before: int
    after: int
    copy: Path | None = None


def find_migrations(package: ModuleType | None = None) -> tuple[Migration, ...]:
    """The migrations of a package (by default this one) in order; ValueError unless numbered 1, 2, 3 …"""
    package = package or sys.modules[__name__]
    found = []
    for module in iter_modules(package.__path__):
        match = re.fullmatch(r"m(\d{4})_(\w+)", module.name)
        if match:
            up = import_module(f"{package.__name__}.{module.name}").up
            found.append(Migration(number=int(match[1]), name=match[2], up=up))
    found.sort(key=lambda migration: migration.number)
    numbers = [migration.number for migration in found]
    if numbers != list(range(1, len(found) + 1)):
        raise ValueError(f"migrations of {package.__name__} are numbered {numbers}")
    return tuple(found)


async def migrate(
    database: Database, backups: Path, migrations: Sequence[Migration] | None = None
) -> Migrated:
    """Bring the database up to date; each step is one transaction with its row in `schema_version`.

    Before the first step on a database that holds something, a checked copy goes to the folder `backups`.
    Several processes may do this at once: each step looks again under the writer's lock.
    Raises StoreFault: `store_too_new`, `store_foreign`, and what a write raises.
    """
    steps = find_migrations() if migrations is None else tuple(migrations)
    before = await database.read(current_version)
    _check_known(before, len(steps), backups)
    copy: Path | None = None
    for step in steps[before:]:
        made = await database.change_schema(
            partial(_take, step=step, database=database, backups=backups, keep=before > 0 and copy is None)
        )
        copy = copy or made
    after = await database.read(current_version)
    _check_known(after, len(steps), backups)
    return Migrated(before=before, after=after, copy=copy)


def current_version(conn: Connection) -> int:
    """The number of the newest migration that the database has had; 0 for an empty one."""
    look = inspect(conn)
    if look.has_table(schema_version.name):
        return int(conn.execute(select(func.coalesce(func.max(schema_version.c.version), 0))).scalar_one())
    if look.get_table_names():
        raise StoreFault(
            "store_foreign",
            "The database holds tables of another program.",
            hint="Name another file or database; this one is left as it is.",
        )
    return 0


def _take(conn: Connection, *, step: Migration, database: Database, backups: Path, keep: bool) -> Path | None:
    version = current_version(conn)
    if version >= step.number:
        return None
    copy = None
    if keep:
        for left in backups.glob("version-*.db.part*"):
            left.unlink()
        copy = backups / f"version-{version:04}-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}.db"
        database.copy_now(copy)
    schema_version.create(conn, checkfirst=True)
    step.up(conn)
    at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    conn.execute(insert(schema_version).values(version=step.number, name=step.name, at=at))
    return copy


def _check_known(version: int, known: int, backups: Path) -> None:
    if version > known:
        raise StoreFault(
            "store_too_new",
            f"The database has schema version {version}; this program knows versions up to {known}.",
            hint=f"Install the newer program again, or restore an older copy; {backups} holds those "
            "that were made before each change.",
        )
