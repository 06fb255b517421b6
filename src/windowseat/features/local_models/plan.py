"""How a model is to be run on this machine: window, slots, cache, threads. Pure arithmetic.

Not a probe: the machine's facts come in (machine.py reads them), so that a plan is the same for the
same file on the same machine, whatever else runs there at the time.

**Each slot has a whole window of its own.** llama.cpp can also let slots share one pool of cells, but
when a shared pool runs full it ends every answer that is being written (ggml-org/llama.cpp pull
request 16736 and issue 23652). So the cells are slots x window, and fewer slots come before a smaller window.
Two slots, because the hidden request for a title must not wait for a long answer, and because two
answers together are quicker than one after the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from windowseat.features.local_models.gguf import Header
from windowseat.features.local_models.machine import Machine

CacheType = Literal["q8_0", "f16"]

# Bytes per number in the key and value caches. q8_0 packs 32 numbers in 34 bytes (ggml-common.h, block_q8_0).
CACHE_BYTES: dict[CacheType, Fraction] = {"q8_0": Fraction(34, 32), "f16": Fraction(2)}
Q8_GROUP = 32

MOST_SLOTS = 2
UNKNOWN_WINDOW = 4096
SMALLEST_WINDOW = 2048
WINDOW_STEP = 256
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the engine is started with. `window` in tokens per slot, `prompt_cache` in mebibytes.

    `prompt_cache` keeps the computed beginnings of threads that no slot holds just now.
    `threads` None leaves the number to llama.cpp, which counts physical cores.
    """

    window: int
    slots: int
    cache: CacheType
    prompt_cache: int
    threads: int | None


def make_plan(header: Header, machine: Machine) -> Plan:
    """The largest window that the model was made for and that a quarter of the memory can hold.

    The rest is for the weights, the system and us. Where the memory is too small, slots go first,
    then the window shrinks, never below 2,048 tokens (or the model's own, if that is less).
    """
    cache: CacheType = "q8_0" if all(size % Q8_GROUP == 0 for size in header.head_sizes) else "f16"
    window = header.window or UNKNOWN_WINDOW
    budget = machine.memory // 4
    slots = MOST_SLOTS
    cost = Fraction(0)
    if header.cached_values:
        cost = header.cached_values * CACHE_BYTES[cache]
        if slots * window * cost > budget:
            slots = 1
        affordable = int(budget / cost) // WINDOW_STEP * WINDOW_STEP
        window = min(window, max(affordable, SMALLEST_WINDOW))
    one_window = int(window * cost) // MEBIBYTE
    return Plan(
        window=window,
        slots=slots,
        cache=cache,
        prompt_cache=min(max(one_window, 128), 1024),
        threads=machine.cores,
    )
