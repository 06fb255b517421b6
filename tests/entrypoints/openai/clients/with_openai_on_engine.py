"""What a program does with the official `openai` client on the model of this machine, which is no echo.

Arguments: the address of /v1 and a key. Run by that client's own Python, not by pytest.
"""

from __future__ import annotations

import json
import sys

import openai

MODEL = "local/smollm2"
client = openai.OpenAI(base_url=sys.argv[1], api_key=sys.argv[2], max_retries=0)
HI = [{"role": "user", "content": "What is the capital of France? Answer in one word."}]

assert MODEL in {model.id for model in client.models.list()}

whole = client.chat.completions.create(model=MODEL, messages=HI, max_tokens=40, temperature=0, seed=1)
assert "Paris" in (whole.choices[0].message.content or ""), whole
assert whole.usage is not None
assert whole.usage.completion_tokens > 0

options = {"include_usage": True}
chunks = list(
    client.chat.completions.create(
        model=MODEL, messages=HI, max_tokens=40, temperature=0, seed=1, stream=True, stream_options=options
    )
)
said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
assert said == whole.choices[0].message.content
assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens

short = client.chat.completions.create(model=MODEL, messages=HI, max_tokens=3)
assert short.choices[0].finish_reason == "length"

likely = client.chat.completions.create(model=MODEL, messages=HI, max_tokens=3, logprobs=True, top_logprobs=2)
assert likely.choices[0].logprobs is not None
assert len(likely.choices[0].logprobs.content[0].top_logprobs) == 2

schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
formed = client.chat.completions.create(model=MODEL, messages=HI, max_tokens=30, response_format=form)
assert set(json.loads(formed.choices[0].message.content or "")) == {"city"}

response = client.responses.create(model=MODEL, input="Say hello.", max_output_tokens=20)
assert response.output_text
assert response.usage is not None
