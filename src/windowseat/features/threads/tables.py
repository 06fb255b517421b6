"""The tables of this feature as they are today. Queries are in the stores.

Times are microseconds since 1970 (platform/moments.py); yes and no are 1 and 0. Of `files`, which another
feature owns, only what a message changes there is named.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, String, Table, Text

OnChange = Callable[[str, str, int], None]
"""Told of every committed change of a list: the user's id, the list's name, its new version."""

_metadata = MetaData()

threads = Table(
    "threads",
    _metadata,
    Column("id", String, primary_key=True),
    Column("user_id", String, nullable=False),
    Column("title", Text),
    Column("title_by", String, nullable=False),
    Column("tip", String),
    Column("project_id", String),
    Column("pinned", Integer, nullable=False),
    Column("archived", Integer, nullable=False),
    Column("temporary", Integer, nullable=False),
    Column("forked_from", String),
    Column("model", String),
    Column("options", Text),
    Column("unread", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    Column("version", Integer, nullable=False),
    Column("list_version", BigInteger, nullable=False),
)
list_versions = Table(
    "list_versions",
    _metadata,
    Column("user_id", String, primary_key=True),
    Column("list", String, primary_key=True),
    Column("version", BigInteger, nullable=False),
)
drafts = Table(
    "drafts",
    _metadata,
    Column("thread_id", String, primary_key=True),
    Column("user_id", String, nullable=False),
    Column("data", Text, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
)
messages = Table(
    "messages",
    _metadata,
    Column("id", String, primary_key=True),
    Column("thread_id", String),
    Column("user_id", String, nullable=False),
    Column("parent_id", String),
    Column("role", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("position", Integer, nullable=False),
    Column("edited_from", String),
    Column("turn_id", String),
    Column("model", String),
    Column("usage", Text),
    Column("stop_reason", String),
    Column("price_amount", String),
    Column("price_currency", String),
    Column("feedback", Text),
    Column("deleted_at", BigInteger),
    Column("version", Integer, nullable=False),
    Column("parts", Text),
)
owners = Table(
    "owners",
    _metadata,
    Column("number", Integer, primary_key=True),
    Column("process", String, nullable=False),
    Column("started_at", BigInteger, nullable=False),
)
turns = Table(
    "turns",
    _metadata,
    Column("id", String, primary_key=True),
    Column("user_id", String, nullable=False),
    Column("thread_id", String),
    Column("parent_id", String),
    Column("user_message_id", String),
    Column("message_id", String, nullable=False),
    Column("model", String, nullable=False),
    Column("purpose", String, nullable=False),
    Column("owner", BigInteger, nullable=False),
    Column("state", String, nullable=False),
    Column("undecided", Integer, nullable=False),
    Column("resumed", Integer, nullable=False),
    Column("stop_reason", String),
    Column("created_at", BigInteger, nullable=False),
    Column("settled_at", BigInteger),
    Column("ask_digest", LargeBinary, nullable=False),
    Column("options", Text, nullable=False),
    Column("instructions", Text),
    Column("caller_tools", Text),
    Column("begins_with", Text),
    Column("path", Text),
)
journal = Table(
    "journal",
    _metadata,
    Column("turn_id", String, primary_key=True),
    Column("first_n", Integer, primary_key=True),
    Column("last_n", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
)
settled_journals = Table(
    "settled_journals",
    _metadata,
    Column("turn_id", String, primary_key=True),
    Column("last_n", Integer, nullable=False),
    Column("settled_at", BigInteger, nullable=False),
    Column("form", String, nullable=False),
    Column("data", LargeBinary, nullable=False),
)
requests = Table(
    "requests",
    _metadata,
    Column("name", String, primary_key=True),
    Column("turn_id", String, nullable=False),
    Column("step", Integer, nullable=False),
    Column("thread_id", String),
    Column("dialect", String, nullable=False),
    Column("connection", String, nullable=False),
    Column("model", String, nullable=False),
    Column("stream", Integer, nullable=False),
    Column("base", String),
    Column("kept", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
)
request_pieces = Table(
    "request_pieces",
    _metadata,
    Column("request", String, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("piece_digest", LargeBinary),
    Column("segment", String, nullable=False),
    Column("file", String),
)
pieces = Table(
    "pieces",
    _metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("thread_id", String, primary_key=True),
    Column("uses", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
)
files = Table(
    "files",
    _metadata,
    Column("id", String, primary_key=True),
    Column("user_id", String, nullable=False),
    Column("used", Integer, nullable=False),
    Column("deleted_at", BigInteger),
)
