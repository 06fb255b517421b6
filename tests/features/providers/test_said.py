"""What was said, side by side: steps, results, raw items and ids, for whatever parts a thread may hold."""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from windowseat.core.parts import Origin, Part, Text, ToolCall, ToolResult
from windowseat.features.providers.dialects.said import CallIds, Place, Raw, Said, merged, raw_items, said_in

from .values import message, window

PLACE = Place(dialect="openai-chat", connection="there", model="m")


def origin(key: str | None, item: object = None, shares: int = 1, model: str = "m") -> Origin:
    return Origin(dialect="openai-chat", connection="there", model=model, key=key, item=item, shares=shares)


_PART = st.one_of(
    st.builds(Text, text=st.sampled_from(["a", "b"]), step=st.integers(1, 3)),
    st.builds(
        ToolCall,
        id=st.sampled_from(["x", "y"]),
        name=st.just("f"),
        arguments=st.just({}) | st.just("{"),
        by=st.sampled_from(["us", "provider"]),
        step=st.integers(1, 3),
    ),
    st.builds(ToolResult, id=st.sampled_from(["x", "y", "z"]), content=st.just(()), step=st.integers(1, 3)),
)


@given(st.lists(_PART, max_size=10))
def test_every_call_of_ours_is_answered_at_once_and_no_words_are_lost(parts: list[Part]) -> None:
    said = said_in(window(message("a", "assistant", *parts)))
    for number, each in enumerate(said):
        calls = [part.id for _, part in each.parts if isinstance(part, ToolCall) and part.by != "provider"]
        if each.role == "assistant" and calls:
            follows = said[number + 1]
            assert follows.role == "tool"
            assert [part.id for _, part in follows.parts if isinstance(part, ToolResult)] == calls
        assert each.parts
    texts = [part for each in said for _, part in each.parts if isinstance(part, Text)]
    assert texts == [part for part in parts if isinstance(part, Text)]


@given(st.lists(st.sampled_from(["user", "assistant", "tool"]), max_size=8))
def test_merging_leaves_no_two_neighbours_of_one_role_and_keeps_all_parts(roles: list[str]) -> None:
    listed = [Said(role=role, parts=((f"k{n}", Text(text=str(n))),)) for n, role in enumerate(roles)]  # type: ignore[arg-type]
    out = merged(listed)
    assert all(a.role != b.role for a, b in pairwise(out))
    assert [keyed for each in out for keyed in each.parts] == [
        keyed for each in listed for keyed in each.parts
    ]


def test_a_raw_item_goes_back_once_and_only_when_all_that_share_it_are_there() -> None:
    first = Text(text="a", step=1, origin=origin("i", {"raw": 1}, 2))
    second = Text(text="b", step=1, origin=origin("i", None, 2))
    other = Text(text="c", step=2, origin=origin("i", {"raw": 2}))
    whole = raw_items([("1", first), ("2", second), ("3", other)], PLACE)
    assert [each.item if isinstance(each, Raw) else each[0] for each in whole] == [{"raw": 1}, {"raw": 2}]
    assert [each.key for each in whole if isinstance(each, Raw)] == ["1", "3"]
    assert raw_items([("1", first), ("3", other)], PLACE)[0] == ("1", first)
    assert raw_items([("2", second)], PLACE) == [("2", second)]


def test_a_raw_item_goes_nowhere_else() -> None:
    part = Text(text="a", origin=origin("i", {"raw": 1}, model="another"))
    assert raw_items([("1", part)], PLACE) == [("1", part)]


@given(st.lists(st.tuples(st.text(max_size=5), st.none() | st.text(max_size=12)), max_size=12))
def test_ids_fit_the_pattern_and_are_once_in_a_request(calls: list[tuple[str, str | None]]) -> None:
    ids = CallIds("[A-Za-z0-9]{9}")
    made = []
    for ours, preferred in calls:
        made.append(ids.new(ours, preferred))
        assert ids.of(ours) == made[-1]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch("[A-Za-z0-9]{9}", id) for id in made)
    again = CallIds("[A-Za-z0-9]{9}")
    assert [again.new(*call) for call in calls] == made
