"""What users say of models and money: facts, prices and fall-backs of their own; and more of each request.

A row of the ledger gains the rates that it was priced with, where they are from and of which day, and how
quick the answer was: `first_token_us` from sending to the first token, `writing_us` from there to the end,
both in microseconds, and `written_tokens` that came within the latter. Earlier rows have none of it.
A row of `fallbacks` with an empty `thread_id` holds for all threads of its user.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Connection, MetaData, String, Table, Text, text


def up(conn: Connection) -> None:
    """Make the tables and add columns to the ledger."""
    metadata = MetaData()
    Table(
        "model_facts",
        metadata,
        Column("user_id", String, primary_key=True),
        Column("connection", String, primary_key=True),
        Column("id", String, primary_key=True),
        Column("facts", Text, nullable=False),
        Column("said_at", BigInteger, nullable=False),
    )
    Table(
        "own_prices",
        metadata,
        Column("user_id", String, primary_key=True),
        Column("model", String, primary_key=True),
        Column("rates", Text, nullable=False),
        Column("said_at", BigInteger, nullable=False),
    )
    Table(
        "fallbacks",
        metadata,
        Column("user_id", String, primary_key=True),
        Column("thread_id", String, primary_key=True),
        Column("models", Text, nullable=False),
        Column("most_per_mtok", String),
        Column("said_at", BigInteger, nullable=False),
    )
    metadata.create_all(conn, checkfirst=False)
    for column in (
        "price_date VARCHAR",
        "price_rates TEXT",
        "first_token_us BIGINT",
        "writing_us BIGINT",
        "written_tokens BIGINT",
    ):
        conn.execute(text(f"ALTER TABLE ledger ADD COLUMN {column}"))
    conn.execute(text("CREATE INDEX ledger_of_model ON ledger (user_id, model, id)"))
