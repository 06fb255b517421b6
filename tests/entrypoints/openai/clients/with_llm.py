"""What a person does with the `llm` command; run by that command's own Python, not by pytest.

Arguments: the address of /v1, a key, and a connection to a provider whose models are echo and tool.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

ADDRESS, KEY, CONNECTION = sys.argv[1:4]
HERE = Path.cwd() / f"llm-{CONNECTION}-{os.getpid()}"
HERE.mkdir()
PIXEL = HERE / "pixel.png"
PIXEL.write_bytes(
    base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    )
)
FUNCTION = """
def search(q: str) -> str:
    "Looks things up."
    return f"nothing about {q}"
"""


def told(*arguments: str, good: bool = True) -> str:
    command = [sys.executable, "-m", "llm", *arguments]
    surroundings = {**os.environ, "LLM_USER_PATH": str(HERE)}
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is good, done
    return (done.stdout if good else done.stderr).strip()


def known(name: str, model: str, key: str) -> str:
    return f"""\
- model_id: {name}
  model_name: {CONNECTION}/{model}
  api_base: {ADDRESS}
  api_key_name: {key}
  vision: true
  supports_tools: true
  supports_schema: true
"""


(HERE / "extra-openai-models.yaml").write_text(
    known("echo", "echo", "house")
    + known("tool", "tool", "house")
    + known("nothing", "nothing", "house")
    + known("stranger", "echo", "wrong")
)
(HERE / "keys.json").write_text(json.dumps({"house": KEY, "wrong": "wrong"}))

assert told("-m", "echo", "The sky is blue") == "The sky is blue"
assert told("-m", "echo", "--no-stream", "The sky is blue", "-u") == "The sky is blue"
assert told("-c", "-m", "echo", "And now?") == "And now?"
assert told("-m", "echo", "What is it?", "-a", str(PIXEL)) == "What is it?"
assert told("-m", "tool", "--functions", FUNCTION, "grass").endswith("The tool said: nothing about grass")
assert json.loads(told("-m", "echo", "--schema", "name str", '{"name": "Ann"}')) == {"name": "Ann"}
assert "no such model" in told("-m", "nothing", "x", good=False)
assert "key" in told("-m", "stranger", "x", good=False)
