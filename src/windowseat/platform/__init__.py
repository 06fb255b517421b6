"""Cogs that any project could use: the home folder, its lock, the database, settings, secrets, clock.

Nothing here knows what a thread or a turn is; only `windowseat.core.errors` is imported.
"""
