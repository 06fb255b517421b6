"""The parser of server-sent events: every line end, every cut, and what is too long."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from windowseat.core.errors import ProviderFault
from windowseat.features.providers.transport.sse import SseMessage, SseParser


def parse(*pieces: bytes) -> list[SseMessage]:
    parser = SseParser()
    return [message for piece in pieces for message in parser.feed(piece)] + parser.end()


def data_of(*pieces: bytes) -> list[bytes]:
    return [message.data for message in parse(*pieces)]


def test_a_message_comes_as_soon_as_its_blank_line_is_there() -> None:
    parser = SseParser()
    assert parser.feed(b"data: one\n") == []
    assert parser.feed(b"\n") == [SseMessage("message", b"one", "")]
    assert parser.feed(b"data: two\n\n") == [SseMessage("message", b"two", "")]


@pytest.mark.parametrize("newline", [b"\n", b"\r\n", b"\r"])
def test_every_line_end_of_the_standard_ends_a_line(newline: bytes) -> None:
    stream = b"data: a\ndata: b\n\ndata: c\n\n".replace(b"\n", newline)
    assert data_of(stream) == [b"a\nb", b"c"]


def test_a_carriage_return_ends_its_line_without_waiting_for_the_next_byte() -> None:
    parser = SseParser()
    assert [message.data for message in parser.feed(b"data: a\r\r")] == [b"a"]


def test_a_pair_that_is_cut_in_two_is_one_line_end() -> None:
    assert data_of(b"data: a\r", b"\ndata: b\r", b"\n\r", b"\n") == [b"a\nb"]


def test_a_byte_order_mark_is_dropped_even_when_it_comes_in_pieces() -> None:
    assert data_of(b"\xef", b"\xbb", b"\xbfdata: a\n\n") == [b"a"]
    assert data_of(b"\xef\xbb\xbfdata: a\n\n") == [b"a"]


def test_a_byte_order_mark_later_is_part_of_the_data() -> None:
    assert data_of(b"data: \xef\xbb\xbfa\n\n") == [b"\xef\xbb\xbfa"]


def test_comments_give_nothing() -> None:
    assert parse(b": ping\n\n:\n\n: data: no\n\n") == []


def test_a_message_without_data_is_none_and_its_kind_is_forgotten() -> None:
    assert parse(b"event: ping\n\ndata: a\n\n") == [SseMessage("message", b"a", "")]


def test_kind_and_id_are_read_and_the_id_stays() -> None:
    stream = b"event: delta\nid: 7\ndata: a\n\ndata: b\n\n"
    assert parse(stream) == [SseMessage("delta", b"a", "7"), SseMessage("message", b"b", "7")]


def test_an_id_with_a_zero_byte_is_ignored() -> None:
    assert parse(b"id: 1\ndata: a\n\nid: 2\x00\ndata: b\n\n")[1].id == "1"


def test_a_field_without_a_colon_has_an_empty_value() -> None:
    assert data_of(b"data\ndata\n\n") == [b"\n"]


def test_one_space_after_the_colon_belongs_to_the_format_and_the_next_to_the_data() -> None:
    assert data_of(b"data:a\n\ndata: b\n\ndata:  c\n\n") == [b"a", b"b", b" c"]


def test_unknown_fields_are_ignored() -> None:
    assert data_of(b"retry: 10\ndatum: x\ndata: a\n\n") == [b"a"]


def test_bytes_that_are_no_utf8_stay_as_they_came() -> None:
    assert data_of(b'data: {"a":"\xe2\x82"}\n\n') == [b'{"a":"\xe2\x82"}']


def test_a_last_message_without_its_blank_line_is_given_out_at_the_end() -> None:
    assert data_of(b"data: a\n\ndata: [DONE]") == [b"a", b"[DONE]"]


def test_a_line_that_is_too_long_is_refused_before_it_ends() -> None:
    parser = SseParser(longest=1000)
    for _ in range(10):
        parser.feed(b"x" * 100)
    with pytest.raises(ProviderFault) as refused:
        parser.feed(b"x")
    assert refused.value.code == "provider_line_too_long"


def test_a_message_of_many_lines_is_bounded_as_well() -> None:
    parser = SseParser(longest=1000)
    for _ in range(1000):
        parser.feed(b"data:\n")
    with pytest.raises(ProviderFault) as refused:
        parser.feed(b"data:\n")
    assert refused.value.code == "provider_line_too_long"


def test_a_single_read_longer_than_the_limit_is_refused() -> None:
    parser = SseParser(longest=1000)
    parser.feed(b"data: a\n\n")
    with pytest.raises(ProviderFault):
        parser.feed(b"data: " + b"x" * 2000 + b"\n\n")


_LINES = st.sampled_from(
    [
        b"data: {}",
        b"data:x",
        b"data",
        b"event: e",
        b"id: 1",
        b": c",
        b"",
        b"",
        b"data: \xe2\x82\xac",
        b"nonsense",
    ]
)
_STREAMS = st.tuples(
    st.lists(_LINES, max_size=12), st.sampled_from([b"\n", b"\r\n", b"\r"]), st.booleans()
).map(lambda made: (b"\xef\xbb\xbf" if made[2] else b"") + made[1].join(made[0]))


@given(stream=_STREAMS, cuts=st.lists(st.integers(0, 120), max_size=8))
def test_where_the_network_cuts_changes_nothing(stream: bytes, cuts: list[int]) -> None:
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    pieces = [stream[start:end] for start, end in pairwise(places)]
    one_by_one = [stream[index : index + 1] for index in range(len(stream))]
    assert parse(*pieces) == parse(stream) == parse(*one_by_one)


@given(lines=st.lists(st.binary(max_size=20).map(lambda line: line.translate(None, b"\r\n")), min_size=1))
def test_whatever_stands_in_the_data_lines_comes_out_joined(lines: list[bytes]) -> None:
    stream = b"".join(b"data: " + line + b"\n" for line in lines) + b"\n"
    assert data_of(stream) == [b"\n".join(lines)]
