"""Mail comes in order, wakes its reader, and is not lost with a reader that stopped waiting."""

from __future__ import annotations

import asyncio

import pytest

from windowseat.turns.inbox import Inbox


async def test_mail_is_read_in_the_order_in_which_it_came():
    inbox = Inbox()
    for number in range(3):
        inbox.put(number)
    assert len(inbox) == 3
    assert [await inbox.get(), await inbox.get()] == [0, 1]
    inbox.put(3)
    assert inbox.take_all() == [2, 3]
    assert not inbox
    assert inbox.take_all() == []


async def test_a_reader_that_waits_is_woken():
    inbox = Inbox()
    reading = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    inbox.put("first")
    inbox.put("second")
    assert await reading == "first"
    assert await inbox.get() == "second"


async def test_a_reader_that_is_stopped_takes_no_mail_along():
    inbox = Inbox()
    reading = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    inbox.put("kept")
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await asyncio.wait_for(inbox.get(), 1) == "kept"
