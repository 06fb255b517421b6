"""Fakes that ship with the product, so that whoever builds on it can test without the network.

    provider    ScriptedProvider: a provider over real HTTP on this machine
    replies     what it can be told to say: answers, errors, and everything that goes wrong
    behaviours  its own models: echo, tool, and those that keep a pace
    speech      what it needs of a dialect; openai_chat, openai_responses, anthropic_messages and
                gemini_generate are those there are
    rules       what the real providers refuse, for one that is strict; a file for each dialect
    server      the HTTP under it
    ports       the ports of a turn without HTTP: a provider and tools that follow a script
    tools       a tool that asks first
    serving     the real server in a process of its own, to be killed, starved and loaded
    following   a follower that keeps every byte that it was shown

    from windowseat.testing.provider import ScriptedProvider
    from windowseat.testing.replies import answer, text

Nothing here is imported by the product itself.
"""
