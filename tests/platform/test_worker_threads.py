"""Calls run beside the loop, in order, give their result or error, and a cancelled one runs whole or not."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from windowseat.platform.worker_threads import WorkerThreads


@pytest.fixture
def one():
    threads = WorkerThreads(1, "test")
    yield threads
    threads.close()


async def test_a_call_runs_in_another_thread_and_gives_its_result(one):
    assert await one.run(threading.get_ident) != threading.get_ident()
    assert await one.run(lambda: 6 * 7) == 42


async def test_an_error_is_raised_where_the_call_was_asked_for_and_the_next_call_works(one):
    with pytest.raises(ZeroDivisionError):
        await one.run(lambda: 1 / 0)
    with pytest.raises(RuntimeError):
        await one.run(lambda: next(iter(())))
    assert await one.run(lambda: "still here") == "still here"


async def test_one_thread_runs_calls_in_the_order_in_which_they_were_asked_for(one):
    seen = []
    await asyncio.gather(*(one.run(lambda number=number: seen.append(number)) for number in range(100)))
    assert seen == list(range(100))


async def test_a_call_that_is_cancelled_before_its_turn_is_never_run(one):
    go, ran = threading.Event(), []
    first = one.run(go.wait)
    second = one.run(lambda: ran.append("second"))
    second.cancel()
    go.set()
    assert await first
    await one.run(lambda: None)
    assert ran == []


async def test_a_call_that_has_begun_runs_to_its_end_although_nobody_waits(one):
    begun, go, ran = threading.Event(), threading.Event(), []

    def call():
        begun.set()
        go.wait()
        ran.append("whole")

    waiting = one.run(call)
    while not begun.is_set():
        await asyncio.sleep(0.001)
    waiting.cancel()
    go.set()
    await one.run(lambda: None)
    assert ran == ["whole"]


async def test_several_threads_work_at_once():
    threads = WorkerThreads(3, "test")
    together = threading.Barrier(3)
    await asyncio.gather(*(threads.run(lambda: together.wait(5)) for _ in range(3)))
    threads.close()


async def test_closing_waits_for_what_was_asked_for(one):
    ran = []
    last = one.run(lambda: (time.sleep(0.05), ran.append("done")))
    await asyncio.to_thread(one.close)
    assert ran == ["done"]
    await last


def test_a_result_that_comes_after_its_loop_is_closed_harms_nobody(one):
    go, begun = threading.Event(), threading.Event()

    async def leave():
        one.run(lambda: (begun.set(), go.wait()))
        while not begun.is_set():
            await asyncio.sleep(0.001)

    asyncio.run(leave())
    go.set()

    async def ask():
        return await one.run(lambda: "next")

    assert asyncio.run(ask()) == "next"
