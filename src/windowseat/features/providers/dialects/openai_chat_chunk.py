"""What nearly every chunk of an `openai-chat` stream is: more words or more arguments, and nothing else.

Read into these structs a chunk costs a quarter of what it costs as dictionaries. They list all that such
a chunk may hold; a field or a value that is not listed fails, and the whole chunk is then read in full.

Not here: what any chunk means (openai_chat_decode.py).
"""

from __future__ import annotations

import msgspec


class Written(msgspec.Struct, forbid_unknown_fields=True):
    arguments: str


class CallPiece(msgspec.Struct, forbid_unknown_fields=True):
    index: int
    function: Written


class Delta(msgspec.Struct, forbid_unknown_fields=True):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    role: str = ""
    channel: str = ""
    refusal: None = None
    tool_calls: list[CallPiece] | None = None


class Choice(msgspec.Struct, forbid_unknown_fields=True):
    delta: Delta
    index: int = 0
    finish_reason: None = None
    native_finish_reason: None = None
    logprobs: None = None
    token_ids: None = None


class Chunk(msgspec.Struct, forbid_unknown_fields=True):
    choices: list[Choice]
    id: msgspec.Raw = msgspec.Raw()
    object: msgspec.Raw = msgspec.Raw()
    created: msgspec.Raw = msgspec.Raw()
    model: msgspec.Raw = msgspec.Raw()
    provider: msgspec.Raw = msgspec.Raw()
    service_tier: msgspec.Raw = msgspec.Raw()
    system_fingerprint: msgspec.Raw = msgspec.Raw()
    obfuscation: msgspec.Raw = msgspec.Raw()
    sla_metrics: msgspec.Raw = msgspec.Raw()
    timings: msgspec.Raw = msgspec.Raw()
    usage: None = None


MORE = msgspec.json.Decoder(Chunk)
"""Reads such a chunk, and fails for any that shows a field or a value that is not in it."""
