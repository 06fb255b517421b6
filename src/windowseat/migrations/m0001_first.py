"""The first schema: users, threads with their messages and turns, the journal, requests, files, connections.

What holds for all of it: ids are UUIDs as text; times are whole microseconds since 1970 in UTC; JSON is
text; yes and no are 1 and 0. A row that a user owns has `user_id`; one that can be edited or deleted has
`version` (from 1) and `deleted_at` (null while it is there).

It is what stood on the day of this migration: today's columns are in each feature's store.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)


def up(conn: Connection) -> None:
    """Make all tables and indexes."""
    metadata = MetaData()
    for part in (_users, _threads, _messages, _turns, _journal, _requests, _files, _providers, _spending):
        part(metadata)
    metadata.create_all(conn, checkfirst=False)


def _id(name: str = "id", *, key: bool = True) -> Column[Any]:
    return Column(name, String, primary_key=key, nullable=not key)


def _need(name: str, kind: Any = String, *more: Any) -> Column[Any]:
    return Column(name, kind, *more, nullable=False)


def _edited() -> tuple[Column[Any], Column[Any]]:
    return Column("deleted_at", BigInteger), _need("version", Integer)


def _users(metadata: MetaData) -> None:
    Table("users", metadata, _id(), _need("name"), _need("created_at", BigInteger), *_edited())
    sign_ins = Table(
        "sign_ins",
        metadata,
        _id(),
        _need("user_id"),
        Column("token_hash", String, nullable=False, unique=True),
        _need("agent"),
        _need("created_at", BigInteger),
        _need("seen_at", BigInteger),
        *_edited(),
    )
    Index("sign_ins_of_user", sign_ins.c.user_id)
    Table(
        "sign_in_links",
        metadata,
        _id("token_hash"),
        _need("user_id"),
        _need("created_at", BigInteger),
        _need("expires_at", BigInteger),
        Column("used_at", BigInteger),
    )
    api_keys = Table(
        "api_keys",
        metadata,
        _id(),
        _need("user_id"),
        _need("name"),
        Column("key_hash", String, nullable=False, unique=True),
        _need("scope"),
        _need("created_at", BigInteger),
        Column("used_at", BigInteger),
        *_edited(),
    )
    Index("api_keys_of_user", api_keys.c.user_id)


def _threads(metadata: MetaData) -> None:
    threads = Table(
        "threads",
        metadata,
        _id(),
        _need("user_id"),
        Column("title", Text),
        _need("title_by"),
        Column("tip", String),
        Column("project_id", String),
        _need("pinned", Integer),
        _need("archived", Integer),
        _need("temporary", Integer),
        Column("forked_from", String),
        Column("model", String),
        Column("options", Text),
        _need("unread", Integer),
        _need("created_at", BigInteger),
        _need("updated_at", BigInteger),
        *_edited(),
        _need("list_version", BigInteger),
    )
    there = threads.c.deleted_at.is_(None)
    Index(
        "threads_in_order",
        *(threads.c[name] for name in ("user_id", "archived", "pinned", "updated_at", "id")),
        sqlite_where=there,
        postgresql_where=there,
    )
    Index("threads_changed", threads.c.user_id, threads.c.list_version)
    Table(
        "list_versions",
        metadata,
        _id("user_id"),
        _id("list"),
        _need("version", BigInteger),
        sqlite_with_rowid=False,
    )
    Table(
        "drafts",
        metadata,
        Column("thread_id", ForeignKey("threads.id"), primary_key=True),
        _need("user_id"),
        _need("data", Text),
        _need("updated_at", BigInteger),
        _need("version", Integer),
    )


def _messages(metadata: MetaData) -> None:
    Table(
        "messages",
        metadata,
        _id(),
        Column("thread_id", ForeignKey("threads.id")),
        _need("user_id"),
        Column("parent_id", String),
        _need("role"),
        _need("created_at", BigInteger),
        _need("position", Integer),
        Column("edited_from", String),
        Column("turn_id", String),
        Column("model", String),
        Column("usage", Text),
        Column("stop_reason", String),
        Column("price_amount", String),
        Column("price_currency", String),
        Column("feedback", Text),
        *_edited(),
        # Last, as it may be long: SQLite walks over it to what stands behind.
        Column("parts", Text),
        UniqueConstraint("thread_id", "position"),
    )


def _turns(metadata: MetaData) -> None:
    Table(
        "owners",
        metadata,
        Column("number", Integer, primary_key=True, autoincrement=True),
        _need("process"),
        _need("started_at", BigInteger),
        sqlite_autoincrement=True,
    )
    turns = Table(
        "turns",
        metadata,
        _id(),
        _need("user_id"),
        Column("thread_id", ForeignKey("threads.id")),
        Column("parent_id", String),
        Column("user_message_id", String),
        _need("message_id"),
        _need("model"),
        _need("purpose"),
        _need("owner", BigInteger),
        _need("state"),
        _need("undecided", Integer),
        _need("resumed", Integer),
        Column("stop_reason", String),
        _need("created_at", BigInteger),
        Column("settled_at", BigInteger),
        _need("ask_digest", LargeBinary),
        _need("options", Text),
        Column("instructions", Text),
        Column("caller_tools", Text),
        Column("begins_with", Text),
        Column("path", Text),
    )
    Index("turns_of_thread", turns.c.thread_id)
    open_turn = turns.c.state != "settled"
    Index("turns_unsettled", turns.c.user_id, sqlite_where=open_turn, postgresql_where=open_turn)


def _journal(metadata: MetaData) -> None:
    # What is appended while turns run. The number and time of a turn's newest line are those of its last row.
    Table(
        "journal",
        metadata,
        _id("turn_id"),
        Column("first_n", Integer, primary_key=True, autoincrement=False),
        _need("last_n", Integer),
        _need("at", BigInteger),
        _need("data", LargeBinary),
        # One page is written for a commit, not two.
        sqlite_with_rowid=False,
    )
    # One row for each settled turn. Rows of some KB, which a table without row ids would spread over pages.
    settled = Table(
        "settled_journals",
        metadata,
        Column("turn_id", ForeignKey("turns.id"), primary_key=True),
        _need("last_n", Integer),
        _need("settled_at", BigInteger),
        _need("form"),
        _need("data", LargeBinary),
    )
    packed = settled.c.form == "packed"
    Index("journals_to_thin", settled.c.settled_at, sqlite_where=packed, postgresql_where=packed)


def _requests(metadata: MetaData) -> None:
    requests = Table(
        "requests",
        metadata,
        _id("name"),
        Column("turn_id", ForeignKey("turns.id"), nullable=False),
        _need("step", Integer),
        Column("thread_id", String),
        _need("dialect"),
        _need("connection"),
        _need("model"),
        _need("stream", Integer),
        Column("base", String),
        _need("kept", Integer),
        _need("at", BigInteger),
    )
    Index("requests_of_turn", requests.c.turn_id, requests.c.step)
    Table(
        "request_pieces",
        metadata,
        Column("request", ForeignKey("requests.name"), primary_key=True),
        Column("position", Integer, primary_key=True, autoincrement=False),
        Column("piece_digest", LargeBinary),
        _need("segment"),
        Column("file", String),
        sqlite_with_rowid=False,
    )
    Table(
        "pieces",
        metadata,
        Column("digest", LargeBinary, primary_key=True),
        _id("thread_id"),
        _need("uses", Integer),
        _need("data", LargeBinary),
    )


def _files(metadata: MetaData) -> None:
    blobs = Table(
        "blobs",
        metadata,
        _id("digest"),
        _need("size", BigInteger),
        _need("uses", Integer),
        _need("created_at", BigInteger),
    )
    no_use = blobs.c.uses <= 0
    Index("blobs_without_use", blobs.c.uses, sqlite_where=no_use, postgresql_where=no_use)
    files = Table(
        "files",
        metadata,
        _id(),
        _need("user_id"),
        _need("digest"),
        _need("media_type"),
        _need("name"),
        _need("size", BigInteger),
        _need("created_at", BigInteger),
        _need("used", Integer),
        Column("thread_id", String),
        *_edited(),
    )
    Index("files_of_user", files.c.user_id, files.c.thread_id)
    Index("files_with_digest", files.c.digest)
    unused = files.c.used == 0
    Index("files_unused", files.c.created_at, sqlite_where=unused, postgresql_where=unused)


def _providers(metadata: MetaData) -> None:
    connections = Table(
        "connections",
        metadata,
        _id(),
        _need("user_id"),
        _need("name"),
        _need("dialect"),
        _need("url"),
        Column("key_sealed", Text),
        Column("key_hint", String),
        _need("headers", Text),
        _need("query", Text),
        _need("created_at", BigInteger),
        *_edited(),
    )
    there = connections.c.deleted_at.is_(None)
    Index(
        "connections_by_name",
        connections.c.user_id,
        connections.c.name,
        unique=True,
        sqlite_where=there,
        postgresql_where=there,
    )
    Table(
        "models",
        metadata,
        _id("user_id"),
        _id("connection"),
        _id("id"),
        _need("facts", Text),
        _need("seen_at", BigInteger),
    )
    Table(
        "tool_decisions",
        metadata,
        _id("user_id"),
        _id("thread_id"),
        _id("tool"),
        _need("policy"),
        _need("created_at", BigInteger),
    )


def _spending(metadata: MetaData) -> None:
    ledger = Table(
        "ledger",
        metadata,
        _id(),
        _need("turn_id"),
        _need("step", Integer),
        _need("user_id"),
        Column("thread_id", String),
        _need("purpose"),
        _need("model"),
        _need("at", BigInteger),
        Column("input_tokens", BigInteger),
        Column("cached_tokens", BigInteger),
        Column("cache_write_tokens", BigInteger),
        Column("output_tokens", BigInteger),
        Column("thinking_tokens", BigInteger),
        Column("details", Text),
        _need("estimated", Integer),
        Column("price_amount", String),
        Column("price_currency", String),
        Column("price_source", String),
        UniqueConstraint("turn_id", "step"),
    )
    Index("ledger_of_user", ledger.c.user_id, ledger.c.id)
    Index("ledger_of_thread", ledger.c.thread_id)
