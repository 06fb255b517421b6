"""The table of coverage in docs/features/dialects.md, made from what the decoders find in the recordings.

To write it anew: .venv/bin/python -m tests.features.providers.coverage
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from windowseat.core.errors import ProviderFault
from windowseat.core.exchange import Decoder
from windowseat.core.parts import Citation, Media, Opaque, Part, Text, Thinking, ToolCall, ToolResult
from windowseat.features.providers.dialects.anthropic_decode import AnthropicDecoder
from windowseat.features.providers.dialects.gemini_decode import GeminiDecoder
from windowseat.features.providers.dialects.openai_chat_decode import OpenaiChatDecoder
from windowseat.features.providers.dialects.openai_responses_decode import OpenaiResponsesDecoder

from .decoded import Answer, answer_of, streamed
from .recorded import Recorded, recorded

PAGE = Path(__file__).parents[3] / "docs" / "features" / "dialects.md"
BEGIN, END = "<!-- made by tests/features/providers/coverage.py -->", "<!-- end -->"

DECODERS: dict[str, Callable[[str, str], Decoder]] = {
    "openai-chat": OpenaiChatDecoder,
    "openai-responses": OpenaiResponsesDecoder,
    "anthropic-messages": AnthropicDecoder,
    "gemini-generate": GeminiDecoder,
}

_COLUMNS: dict[str, Callable[[Part], bool]] = {
    "text": lambda part: isinstance(part, Text),
    "thinking": lambda part: isinstance(part, Thinking),
    "calls": lambda part: isinstance(part, ToolCall) and part.by == "us",
    "ran there": lambda part: (
        isinstance(part, ToolCall | ToolResult) and getattr(part, "by", "") == "provider"
    ),
    "citations": lambda part: isinstance(part, Citation),
    "media": lambda part: isinstance(part, Media),
    "opaque": lambda part: isinstance(part, Opaque),
}


def table() -> str:
    """A row for each dialect: its recorded exchanges, and in how many answers each kind of part is."""
    head = ["dialect", "exchanges", "streams", "hosts", "faults", *_COLUMNS]
    rows = [head, ["---", *["--:"] * (len(head) - 1)], *(_row(dialect) for dialect in DECODERS)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(dialect: str) -> list[str]:
    exchanges = recorded(dialect)
    answers = [_decoded(dialect, exchange) for exchange in exchanges]
    found: Counter[str] = Counter()
    for answer in answers:
        found.update(name for name, is_one in _COLUMNS.items() if answer and any(map(is_one, answer.parts)))
    counts: Iterable[int] = (
        len(exchanges),
        sum(exchange.stream for exchange in exchanges),
        len({exchange.host for exchange in exchanges}),
        answers.count(None),
        *(found[name] for name in _COLUMNS),
    )
    return [f"`{dialect}`", *map(str, counts)]


def _decoded(dialect: str, exchange: Recorded) -> Answer | None:
    """None where the answer is an error."""
    if exchange.status != 200:
        return None
    decoder = DECODERS[dialect]("there", exchange.request.get("model", "m"))
    body = exchange.response.encode()
    try:
        return answer_of(streamed(decoder, body) if exchange.stream else decoder.whole(body))
    except ProviderFault:
        return None


def written_table() -> str:
    """The table as the page has it."""
    return PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0].strip()


if __name__ == "__main__":
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{table()}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")
