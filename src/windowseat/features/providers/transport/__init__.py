"""Sending a request and reading what comes, bounded in time and size, at little cost per token.

client.py is what the rest calls; direct.py, channel.py and dialling.py are the connection under it,
sse.py and bodies.py read, faults.py gives every failure one name. No dialect is known here.
"""
