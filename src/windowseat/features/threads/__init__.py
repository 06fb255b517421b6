"""Threads: trees of messages, the turns that write them, and their journal.

For the turns (the ports `TurnStore` and `JournalStore`, in the database and in memory) and for whoever reads
and changes threads.

    journal = DatabaseJournal(database, on_change)
    turns = await DatabaseTurns.open(database, clock, ids, on_change, process="pid 7 on host")
    memory = MemoryTurns(ids.new, check_files)           # both ports: temporary threads, /v1, hidden requests
    threads = Threads(database, memory, clock, ids, on_change=on_change, check_files=check_files)
    page = await threads.list(user)

What it is made of: rules.py (what may hang where), packing.py (how lines are kept) and rows.py are pure;
begin.py, turn_store.py, journal_store.py, request_store.py, thread_store.py, message_store.py and what they
share in within.py hold all SQL; memory.py and temporary.py know no disk.
"""

from windowseat.features.threads.journal_store import DatabaseJournal
from windowseat.features.threads.memory import MemoryTurns
from windowseat.features.threads.service import Draft, Threads
from windowseat.features.threads.tables import OnChange
from windowseat.features.threads.thread_store import ThreadPage
from windowseat.features.threads.turn_store import DatabaseTurns

__all__ = ["DatabaseJournal", "DatabaseTurns", "Draft", "MemoryTurns", "OnChange", "ThreadPage", "Threads"]
