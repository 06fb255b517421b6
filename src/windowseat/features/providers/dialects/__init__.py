"""The wire formats, one to a file or a few, each a pure encoder and decoder (`core.exchange.DialectCodec`).

`openai_chat`, `openai_responses`, `anthropic_messages` and `gemini_generate` hold the codecs. What they
share is in encoding.py, said.py and decoding.py; how single providers differ is data in quirks*.py.
Nothing here sends, reads a clock or knows a connection.
"""
