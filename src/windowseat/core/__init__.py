"""Values and rules: what a thread, a message, a turn and a window are.

Pure: standard library only, no clock, no input or output, no database, no wire format.
Whoever needs the time or an id is handed it.
"""
