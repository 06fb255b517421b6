"""The rows of what users decided about tools. All SQL of this feature is here.

A decision holds for one thread, or, with an empty thread, for all of the user's.
"""

from __future__ import annotations

from typing import cast

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    MetaData,
    String,
    Table,
    bindparam,
    delete,
    insert,
    or_,
    select,
)

from windowseat.core.tool import Policy
from windowseat.platform.database import Database

_metadata = MetaData()

tool_decisions = Table(
    "tool_decisions",
    _metadata,
    Column("user_id", String, primary_key=True),
    Column("thread_id", String, primary_key=True),
    Column("tool", String, primary_key=True),
    Column("policy", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

# Made once: every step of a turn asks it, and making it costs more than running it.
_DECIDED = select(tool_decisions.c.thread_id, tool_decisions.c.tool, tool_decisions.c.policy).where(
    tool_decisions.c.user_id == bindparam("user"),
    or_(tool_decisions.c.thread_id == "", tool_decisions.c.thread_id == bindparam("thread")),
)


class DecisionStore:
    """Reads and writes those rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def decided(self, user: str, thread: str | None) -> dict[str, Policy]:
        """By tool: what holds in this thread, else for all of them."""
        who = {"user": user, "thread": thread or ""}
        rows = await self._database.read(lambda conn: conn.execute(_DECIDED, who).all())
        # Those for all threads first, so that the thread's own stand over them.
        return {
            row.tool: cast(Policy, row.policy) for row in sorted(rows, key=lambda row: row.thread_id != "")
        }

    async def decide(self, user: str, thread: str | None, tool: str, policy: Policy | None, at: int) -> None:
        """Keep a decision in place of the one before; None takes it back."""
        same = (
            tool_decisions.c.user_id == user,
            tool_decisions.c.thread_id == (thread or ""),
            tool_decisions.c.tool == tool,
        )
        row = {"user_id": user, "thread_id": thread or "", "tool": tool, "policy": policy, "created_at": at}

        def change(conn: Connection) -> None:
            conn.execute(delete(tool_decisions).where(*same))
            if policy is not None:
                conn.execute(insert(tool_decisions).values(**row))

        await self._database.write(change, durable=True)
