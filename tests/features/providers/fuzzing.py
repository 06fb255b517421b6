"""Answers that nobody meant to send, one after the other until the time is over: for test_fuzz.py.

    python -m tests.features.providers.fuzzing DIALECT SECONDS [SEED]

Each case is a recorded answer, or one made by hand, with bytes or values changed, events moved, and cut anew;
from time to time hypothesis makes values of its own. A case ends in settled parts, which every dialect can
encode again, or in one clear fault. What is no such end is raised with the seed that repeats it. The last
line tells how many cases there were, how they ended, and how many bytes of memory the process has taken
since it had warmed up.

It knows no dialect: what is right of an answer is tested elsewhere.
"""

from __future__ import annotations

import gc
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from windowseat.core.errors import ProviderFault, Refused
from windowseat.core.exchange import Decoded
from windowseat.core.model import Dialect, Model, Options
from windowseat.core.parts import Part, Text, ToolCall, ToolResult, at_step

from .coverage import DECODERS
from .decoded import Answer, answer_of, streamed
from .recorded import recorded
from .test_anthropic_gemini_hostile import ANTHROPIC, GEMINI, anything, changed, places, sse
from .test_openai_hostile import STREAMS, damaged
from .test_pairs import CODECS, model_of
from .values import body_of, message, window

Source = tuple[bytes, bool]
"""An answer's bytes, and whether they are a stream."""

LONGEST = 60_000
"""Of a longer recording the beginning is taken, so that cases stay quick."""
SLOWEST = 20.0
"""Seconds in which any case must be over, also on a busy machine; they take some milliseconds."""
_SWELLS = 3
"""Characters that may grow in an answer for each byte that came."""
_WARM = 300
_BY_HYPOTHESIS = 1000
_VALUES = (None, True, -1, 2**70, 1.5, "", "\ud800", "x" * 999, [], {}, [[]], {"type": "text"}, [None] * 9)


def sources(dialect: Dialect) -> list[Source]:
    """What is changed: the recordings where they are, and an answer made by hand."""
    own = {"anthropic-messages": sse(ANTHROPIC), "gemini-generate": sse(GEMINI)}
    found = [(STREAMS.get(dialect) or own[dialect], True)]
    return found + [(row.response.encode()[:LONGEST], row.stream) for row in recorded(dialect)]


# -- one case -------------------------------------------------------------------------------------


def case(dialect: Dialect, source: Source, chance: random.Random) -> str:
    """Change an answer and read it; how it ended."""
    body, is_stream = source
    # Bytes seldom, as most of what they make is no JSON, and soon over.
    for change in chance.choices((_value, _events, _bytes), (6, 3, 1), k=chance.randint(1, 3)):
        body = change(body, is_stream, chance)
    cuts = [chance.randrange(len(body) + 1) for _ in range(chance.choice((0, 3, 30)))]
    return ended(dialect, body, is_stream, cuts)


def ended(dialect: Dialect, body: bytes, is_stream: bool, cuts: list[int]) -> str:
    """Decode and encode again. Raises AssertionError, or what a decoder or encoder should not have raised."""
    decoder = DECODERS[dialect](dialect, model_of(dialect).id)
    try:
        events = streamed(decoder, body, cuts) if is_stream else list(decoder.whole(body))
    except ProviderFault as fault:
        return fault.code if fault.code and fault.hint else _unclear(fault)
    answer = answer_of(events)
    assert answer.finished is not None, "nothing settled it"
    assert _size(events) <= _SWELLS * len(body) + 10_000, "the answer is much larger than what came"
    _goes_everywhere(answer)
    return answer.finished.stop_reason


def _unclear(fault: ProviderFault) -> str:
    raise AssertionError("a fault has a code and says what to do") from fault


def _size(events: list[Decoded]) -> int:
    return sum(len(getattr(event, "text", "")) for event in events)


def _goes_everywhere(answer: Answer) -> None:
    """Encode the thread for each dialect, the one that gave the answer too."""
    steps: list[Part] = [at_step(part, 1) for part in answer.parts]
    results = [
        ToolResult(id=part.id, content=(Text(text="1"),), step=1)
        for part in steps
        if isinstance(part, ToolCall) and part.by == "us"
    ]
    said = (
        message("q", "user", Text(text="?")),
        message("a", "assistant", *steps, *results),
        message("r", "user", Text(text="!")),
    )
    for dialect, (make, host, model_id) in CODECS.items():
        codec = make(host)
        for connection in (dialect, "elsewhere"):
            model = Model(connection=connection, id=model_id, dialect=dialect)
            try:
                pieces = codec.encode(window(*said), model, Options(effort="high"), {})
            except Refused:
                continue
            assert isinstance(body_of(codec, pieces), dict)


# -- changes --------------------------------------------------------------------------------------


def _bytes(body: bytes, is_stream: bool, chance: random.Random) -> bytes:
    return damaged(body, chance)


def _value(body: bytes, is_stream: bool, chance: random.Random) -> bytes:
    """Another value, or none, at one place of one message."""
    lines = body.split(b"\n") if is_stream else [body]
    told = [at for at, line in enumerate(lines) if (line.startswith(b"data:") or not is_stream)]
    if not told:
        return body
    at = chance.choice(told)
    head, data = (b"data: ", lines[at][5:]) if is_stream else (b"", lines[at])
    try:
        value = json.loads(data)
    except ValueError:
        return body
    found = places(value)
    if found:
        value = changed(value, chance.choice(found), chance.choice(_VALUES))
    lines[at] = head + json.dumps(value).encode("utf-8", "surrogatepass")
    return b"\n".join(lines)


def _events(body: bytes, is_stream: bool, chance: random.Random) -> bytes:
    """Messages left out, doubled, or in another order."""
    events = body.split(b"\n\n")
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(events))
        match chance.randrange(3):
            case 0 if len(events) > 1:
                del events[at]
            case 1:
                events.insert(chance.randrange(len(events)), events[at])
            case _:
                other = chance.randrange(len(events))
                events[at], events[other] = events[other], events[at]
    return b"\n\n".join(events)


def by_hypothesis(dialect: Dialect, examples: int) -> None:
    """The same with values that hypothesis makes, and makes small where one fails."""
    bodies = [body for body, is_stream in sources(dialect)[:20] if is_stream]
    streams = [[line[5:] for line in body.split(b"\n") if line.startswith(b"data:")] for body in bodies]

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def any_value(data: st.DataObject) -> None:
        lines = list(data.draw(st.sampled_from(streams)))
        at = data.draw(st.integers(0, len(lines) - 1))
        try:
            value = json.loads(lines[at])
        except ValueError:
            value = None
        found = places(value)
        value = changed(value, data.draw(st.sampled_from(found)), data.draw(anything)) if found else value
        lines[at] = json.dumps(value).encode("utf-8", "surrogatepass")
        ended(dialect, b"".join(b"data: " + line.strip() + b"\n\n" for line in lines), True, [])

    any_value()


# -- the run --------------------------------------------------------------------------------------


def memory() -> int:
    """Bytes that this process has in memory now; 0 where the system does not tell."""
    told = Path("/proc/self/statm")
    return int(told.read_text().split()[1]) * 4096 if told.is_file() else 0


def run(dialect: Dialect, seconds: float, seed: int, tell: Callable[[str], Any] = print) -> None:
    """Case after case; the last line tells of them as JSON."""
    found, ends, warm, number = sources(dialect), Counter[str](), 0, 0
    over = time.monotonic() + seconds
    while time.monotonic() < over or number <= _WARM:
        if number == _WARM:
            by_hypothesis(dialect, 20)
            gc.collect()
            warm = memory()
        elif number % _BY_HYPOTHESIS == 0 and number:
            by_hypothesis(dialect, 50)
        begun = time.monotonic()
        chance = random.Random(f"{seed} {number}")
        try:
            ends[case(dialect, chance.choice(found), chance)] += 1
            assert time.monotonic() - begun < SLOWEST, "it took too long"
        except Exception as error:
            raise AssertionError(f"case {number} of seed {seed} of {dialect}") from error
        number += 1
    gc.collect()
    tell(json.dumps({"cases": number, "ends": ends, "grown": memory() - warm, "memory": memory()}))


if __name__ == "__main__":
    run(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)  # type: ignore[arg-type]
