"""Many answers are read together, few as they come, and nothing of them is lost."""

from __future__ import annotations

import asyncio

from windowseat.features.providers.transport.beat import Beat
from windowseat.features.providers.transport.client import Transport
from windowseat.testing.provider import ScriptedProvider

from .asking import asking, messages, received, words


class Connection:
    """Says whether it reads."""

    def __init__(self):
        self.reads = True

    def pause(self):
        self.reads = False

    def go_on(self):
        self.reads = True


def streaming(beat, count):
    connections = [Connection() for _ in range(count)]
    for connection in connections:
        beat.begin(connection)
    return connections


async def test_few_answers_are_read_as_they_come():
    beat, loop = Beat(), asyncio.get_running_loop()
    connections = streaming(beat, 19)
    for connection in connections:
        beat.after_read(connection, loop)
    assert all(connection.reads for connection in connections)


async def test_many_answers_wait_for_one_beat_and_are_then_all_read():
    beat, loop = Beat(), asyncio.get_running_loop()
    connections = streaming(beat, 40)
    for connection in connections:
        beat.after_read(connection, loop)
        await asyncio.sleep(0)
    assert not any(connection.reads for connection in connections)
    await asyncio.sleep(0.06)
    assert all(connection.reads for connection in connections)


async def test_answers_that_are_over_no_longer_count():
    beat, loop = Beat(), asyncio.get_running_loop()
    connections = streaming(beat, 40)
    for connection in connections[10:]:
        beat.end(connection)
    beat.after_read(connections[0], loop)
    assert connections[0].reads


async def test_sixty_answers_at_once_come_whole_and_on_connections_that_serve_again(
    transport: Transport, provider: ScriptedProvider
):
    for _ in range(2):
        asked = [asking(provider.url, model="paced-200tps-60tok-0ttft") for _ in range(60)]
        answers = await asyncio.gather(*(received(transport, each) for each in asked))
        said = {words(each) for each in answers}
        assert len(said) == 1
        assert len(said.pop().split()) == 60
        assert all(messages(each)[-1].data == b"[DONE]" for each in answers)
    assert provider.open_connections == 60
