"""A plan: a whole window for each slot, memory not overdrawn, fewer slots before a smaller window."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from windowseat.features.local_models.gguf import Header
from windowseat.features.local_models.machine import Machine
from windowseat.features.local_models.plan import CACHE_BYTES, SMALLEST_WINDOW, make_plan

GIBIBYTE = 1024**3


def header(window: int | None, cached_values: int | None, head_size: int = 64) -> Header:
    return Header(
        architecture="llama",
        title=None,
        licence=None,
        kind="model",
        window=window,
        cached_values=cached_values,
        head_sizes=(head_size, head_size),
    )


def test_a_small_model_gets_two_slots_of_its_whole_window() -> None:
    plan = make_plan(header(8192, 30 * 3 * 128), Machine(memory=8 * GIBIBYTE, cores=2))
    assert (plan.window, plan.slots, plan.cache, plan.prompt_cache, plan.threads) == (8192, 2, "q8_0", 128, 2)


def test_a_large_model_gives_up_a_slot_before_any_of_its_window() -> None:
    cached = 32 * 8 * 256  # an 8B llama: 68 KiB per token, 2.1 GiB per 32,768 tokens
    assert make_plan(header(32_768, cached), Machine(memory=12 * GIBIBYTE, cores=4)).slots == 1
    assert make_plan(header(32_768, cached), Machine(memory=12 * GIBIBYTE, cores=4)).window == 32_768
    assert make_plan(header(32_768, cached), Machine(memory=24 * GIBIBYTE, cores=4)).slots == 2


def test_heads_that_do_not_fill_groups_of_32_are_cached_unpacked() -> None:
    assert make_plan(header(8192, 100, head_size=80), Machine(memory=GIBIBYTE, cores=1)).cache == "f16"


def test_a_model_that_does_not_tell_its_window_gets_a_modest_one() -> None:
    assert make_plan(header(None, None), Machine(memory=GIBIBYTE, cores=1)).window == 4096


@given(
    window=st.integers(1, 1_000_000),
    cached=st.integers(1, 2_000_000),
    memory=st.integers(256 * 1024**2, 2**42),
    head_size=st.sampled_from([64, 80, 128]),
)
def test_the_cache_takes_at_most_a_quarter_of_the_memory_unless_the_window_is_at_its_smallest(
    window: int, cached: int, memory: int, head_size: int
) -> None:
    plan = make_plan(header(window, cached, head_size), Machine(memory=memory, cores=1))
    assert 1 <= plan.window <= window
    fits = plan.slots * plan.window * cached * CACHE_BYTES[plan.cache] <= memory / 4
    assert fits or (plan.slots == 1 and plan.window <= SMALLEST_WINDOW)
    if plan.window < window:
        assert plan.slots == 1
