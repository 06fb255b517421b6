"""Random answers as the events that make them, in an order that a turn could yield. Only values."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from tests.core import values

from windowseat import codec
from windowseat.core import events as e
from windowseat.core import parts as p
from windowseat.core.message import Usage
from windowseat.core.ports import Line

_BEGAN = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)


@st.composite
def answers(draw: Any) -> list[e.Event]:
    """The events of a whole turn but the last."""
    found: list[e.Event] = [
        e.TurnStarted(turn="t", thread="th", parent=None, user_message="u", message="m", model="work/model")
    ]
    size = 0
    for step in range(1, draw(st.integers(1, 3)) + 1):
        found.append(
            e.StepStarted(step=step, request=f"r{step}", model=draw(st.sampled_from(["a/x", "b/y"])))
        )
        for _ in range(draw(st.integers(0, 4))):
            made = draw(st.one_of(_streamed(size, step), _whole(size, step), _added(), _passing()))
            found += made
            size += any(isinstance(event, e.PartSettled | e.NoticeGiven | e.Seam) for event in made)
        usage = draw(st.none() | values.usages)
        found.append(
            e.StepEnded(
                step=step,
                usage=usage,
                stop_reason="end",
                queued=None,
                first_byte=None,
                first_token=None,
                ended=draw(values.maybe_times),
            )
        )
        found += draw(_added()) if draw(st.booleans()) else []
        size += isinstance(found[-1], e.NoticeGiven | e.Seam)
    return found


@st.composite
def _streamed(draw: Any, index: int, step: int) -> list[e.Event]:
    cls = draw(st.sampled_from([p.Text, p.Thinking]))
    start, *more = draw(st.lists(values.words, min_size=1, max_size=8))
    part = cls(text=start, step=step, origin=draw(values.origins))
    last = replace(part, text=draw(st.just("".join([start, *more])) | values.words))
    deltas = [e.PartDelta(index=index, text=text, logprobs=draw(st.none() | values.json)) for text in more]
    return [e.PartStarted(index=index, part=part), *deltas, e.PartSettled(index=index, part=last)]


@st.composite
def _whole(draw: Any, index: int, step: int) -> list[e.Event]:
    part = p.at_step(draw(values.parts), step)
    events: list[e.Event] = [e.PartSettled(index=index, part=part)]
    if isinstance(part, p.ToolCall):
        events += [
            e.ApprovalAsked(call=part.id),
            e.ApprovalGiven(call=part.id, decision="once"),
            e.ToolStarted(call=part.id),
            e.ToolOutput(call=part.id, text=draw(values.words)),
            e.ToolEnded(call=part.id),
        ]
    return events


def _added() -> st.SearchStrategy[list[e.Event]]:
    return st.one_of(
        st.builds(e.NoticeGiven, code=values.names, text=values.words, until=values.maybe_times),
        st.builds(e.Seam, reason=values.words),
    ).map(lambda event: [event])


def _passing() -> st.SearchStrategy[list[e.Event]]:
    return st.just([e.Waiting(waits_for="provider", seconds=5.0)])


settled = st.builds(
    e.TurnSettled,
    stop_reason=st.sampled_from(["end", "error"]),
    usage=st.none() | st.builds(Usage, input_tokens=values.counts, partial=st.booleans()),
    price=st.none() | values.money,
)


@st.composite
def lines(draw: Any) -> list[Line]:
    """A whole turn as numbered lines, with times that may stand still or go back."""
    return as_lines([*draw(answers()), draw(settled)], draw(st.integers(-50_000, 50_000)))


def as_lines(events: list[e.Event], gap: int = 50_000) -> list[Line]:
    """The events as lines from 1 on, `gap` microseconds apart."""
    made = []
    for n, event in enumerate(events, 1):
        at = _BEGAN + timedelta(microseconds=gap * n)
        made.append(Line(n, at, event, codec.event_json(n, at, event)))
    return made
