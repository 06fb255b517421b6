"""Tools that a model may call: the registry, users' decisions about them, and the first one, open_file.

For the turns (the port `Tools`) and for whoever brings a tool: built-in ones and strangers' alike.

    tools = ToolRegistry(database, clock, keep)          # keep(turn, text, name) -> id of a file
    opener = OpenFile(files, turn_store.path, made_in)
    tools.register(OPEN_FILE, opener.run, offered=opener.offered)
    tools.register(Tool(name="weather", ...), look_up)   # async (turn, arguments, emit) -> words or parts
"""

from windowseat.features.tools.open_file import OPEN_FILE, OpenFile, file_ids
from windowseat.features.tools.service import KeepsText, Offered, Registered, Run, ToolRegistry

__all__ = ["OPEN_FILE", "KeepsText", "Offered", "OpenFile", "Registered", "Run", "ToolRegistry", "file_ids"]
