"""Random values of the house, for property tests. Not a fake: only shapes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from windowseat.core import events as e
from windowseat.core import parts as p
from windowseat.core.message import Message, Usage
from windowseat.core.price import Money

words = st.text(max_size=40)
names = st.text(alphabet="abcdefghijkl_", min_size=1, max_size=12)
json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(names, json, max_size=3)
times = st.integers(0, 10**9).map(lambda s: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=s))
steps = st.none() | st.integers(1, 9)
origins = st.none() | st.builds(
    p.Origin,
    dialect=names,
    connection=names,
    model=names,
    key=st.none() | names,
    item=json,
    shares=st.integers(1, 3),
)
_common = {"step": steps, "origin": origins}

texts = st.builds(p.Text, text=words, **_common)
thinkings = st.builds(p.Thinking, text=words, started=st.none() | times, ended=st.none() | times, **_common)
calls = st.builds(
    p.ToolCall,
    id=names,
    name=names,
    arguments=objects | words,
    by=st.sampled_from(["us", "provider"]),
    **_common,
)
media = st.one_of(
    *(
        st.builds(
            cls,
            media_type=names,
            file=st.none() | names,
            url=st.none() | names,
            name=st.none() | names,
            **_common,
        )
        for cls in (p.Image, p.Audio, p.Video, p.File)
    )
)
others = st.one_of(
    st.builds(p.Display, forms=st.dictionaries(names, words, max_size=3), **_common),
    st.builds(p.Citation, part=st.integers(0, 5), quote=st.none() | words, url=st.none() | words, **_common),
    st.builds(p.Notice, code=names, text=words, until=st.none() | times, **_common),
    st.builds(p.Opaque, dialect=names, kind=names, data=json, **_common),
)
results = st.builds(
    p.ToolResult,
    id=names,
    content=st.lists(texts | media, max_size=3).map(tuple),
    error=st.none() | words,
    arguments=st.none() | objects,
    started=st.none() | times,
    ended=st.none() | times,
    **_common,
)
parts = st.one_of(texts, thinkings, calls, media, others, results)
counts = st.none() | st.integers(0, 10**7)
usages = st.builds(
    Usage,
    input_tokens=counts,
    cached_tokens=counts,
    cache_write_tokens=counts,
    output_tokens=counts,
    thinking_tokens=counts,
    details=st.none() | st.dictionaries(names, st.integers(0, 10**6), min_size=1, max_size=3),
    partial=st.booleans(),
)
money = st.builds(Money, amount=st.decimals(0, 1000, places=9).map(Decimal))
messages = st.builds(
    Message,
    id=names,
    thread=names,
    parent=st.none() | names,
    role=st.sampled_from(["user", "assistant"]),
    parts=st.lists(parts, max_size=4).map(tuple),
    created=times,
    turn=st.none() | names,
    model=st.none() | names,
    usage=st.none() | usages,
    stop_reason=st.none() | st.sampled_from(["end", "length", "cancelled"]),
    price=st.none() | money,
    n=st.none() | st.integers(1, 99),
)
maybe_times = st.none() | times
events = st.one_of(
    st.builds(
        e.TurnStarted,
        turn=names, thread=st.none() | names, parent=st.none() | names,
        user_message=st.none() | names, message=names, model=names,
    ),
    st.builds(e.StepStarted, step=st.integers(1, 9), request=names, model=names),
    st.builds(
        e.StepEnded,
        step=st.integers(1, 9), usage=st.none() | usages, stop_reason=st.sampled_from(["end", "tool_call"]),
        queued=maybe_times, first_byte=maybe_times, first_token=maybe_times, ended=maybe_times,
    ),
    st.builds(e.Waiting, waits_for=st.sampled_from(["model", "provider", "limit"]), until=maybe_times),
    st.builds(e.PartStarted, index=st.integers(0, 9), part=parts),
    st.builds(e.PartDelta, index=st.integers(0, 9), text=words, logprobs=json),
    st.builds(e.PartSettled, index=st.integers(0, 9), part=parts),
    st.builds(e.ApprovalAsked, call=names),
    st.builds(e.ApprovalGiven, call=names, decision=st.just("deny"), arguments=st.none() | objects),
    st.builds(e.ToolStarted, call=names),
    st.builds(e.ToolOutput, call=names, text=st.none() | words, part=st.none() | parts),
    st.builds(e.ToolEnded, call=names),
    st.builds(e.NoticeGiven, code=names, text=words, until=maybe_times, fault=st.none() | names),
    st.builds(e.Seam, reason=words),
    st.builds(e.Snapshot, message=messages),
    st.builds(e.TurnSettled, stop_reason=st.just("end"), usage=st.none() | usages, price=st.none() | money),
)  # fmt: skip
