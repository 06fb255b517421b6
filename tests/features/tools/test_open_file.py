"""`open_file` reads the files of its turn's path, piece by piece, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from windowseat.core.ask import Turn, User
from windowseat.core.errors import ToolFault
from windowseat.core.message import Message
from windowseat.core.model import Options
from windowseat.core.parts import Citation, File, Image, Json, Part, Text, ToolCall, ToolResult
from windowseat.features.files import FileRow, Files
from windowseat.features.tools import OPEN_FILE, OpenFile, ToolRegistry, file_ids
from windowseat.platform.database import Database
from windowseat.platform.ids import Ids
from windowseat.testing.clock import StoppedClock


class House:
    """The tool on real files, with a path that the test writes."""

    def __init__(self, database: Database, files: Files, clock: StoppedClock, user: User) -> None:
        self.files = files
        self.user = user
        self.path: list[Part] = []
        self.registry = ToolRegistry(database, clock, self.keep)
        opener = OpenFile(files, self.messages, self.made_in)
        self.registry.register(OPEN_FILE, opener.run, offered=opener.offered)

    async def keep(self, turn: Turn, text: str, name: str) -> str:
        row = await self.files.put(
            turn.user, text.encode(), name, "text/plain", thread=turn.thread, used=True
        )
        return row.file

    async def made_in(self, user: User, thread: str) -> Sequence[str]:
        return [row.file for row in await self.files.made_in(user, thread)]

    async def messages(self, turn: Turn) -> Sequence[Message]:
        at = datetime(2026, 11, 25, tzinfo=UTC)
        parts = (Text(text="Read this."), *self.path)
        return [Message(id="m", thread="thread", parent=None, role="user", parts=parts, created=at)]

    def turn(self, user: User | None = None, thread: str | None = "thread") -> Turn:
        return Turn(
            id="turn",
            user=user or self.user,
            thread=thread,
            parent=None,
            user_message="m",
            message="answer",
            model="local/x",
            options=Options(),
        )

    async def add(self, data: bytes, name: str, media_type: str | None = None) -> FileRow:
        row = await self.files.put(self.user, data, name, media_type)
        self.path.append(File(media_type=row.media_type, file=row.file, name=row.name))
        return row

    async def open(self, turn: Turn | None = None, **arguments: Json) -> str:
        call = ToolCall(id="call", name="open_file", arguments=arguments)
        result = await self.registry.run(turn or self.turn(), call, lambda _: None)
        assert len(result) == 1
        assert isinstance(result[0], Text)
        return result[0].text


@pytest.fixture
def house(database: Database, tmp_path: object, clock: StoppedClock, ids: Ids, user: User) -> House:
    files = Files(database, database.path.parent / "files", clock, ids, most_bytes=10_000_000)
    return House(database, files, clock, user)


async def test_it_is_offered_only_where_there_is_a_file(house: House) -> None:
    assert await house.registry.on_offer(house.turn()) == []
    await house.files.put(house.user, b"elsewhere", "e.txt")
    assert await house.registry.on_offer(house.turn()) == []
    await house.add(b"here", "h.txt")
    assert [tool.name for tool in await house.registry.on_offer(house.turn())] == ["open_file"]


async def test_a_file_is_read_by_name_or_id_with_numbered_lines(house: House) -> None:
    row = await house.add(b"one\ntwo\r\nthree\n", "Notes.txt")
    wanted = "[Notes.txt, lines 1 to 3 of 3]\n1\tone\n2\ttwo\n3\tthree\n[the end]"
    assert await house.open(file=row.file) == wanted
    assert await house.open(file="Notes.txt") == wanted
    assert await house.open(file=" notes.TXT ") == wanted


async def test_a_long_file_is_read_in_pieces_that_join(house: House) -> None:
    await house.add("".join(f"line {n}\n" for n in range(1, 1001)).encode(), "long.txt")
    offset, seen = 1, []
    for _ in range(3):
        text = await house.open(file="long.txt", offset=offset)
        body = text.split("\n")[1:-1]
        seen += [line.partition("\t")[2] for line in body]
        offset += len(body)
    assert seen == [f"line {n}" for n in range(1, 1001)]
    assert "[go on with offset 6]" in await house.open(file="long.txt", offset=3, limit=3)
    assert await house.open(file="long.txt", offset=1001) == (
        "[long.txt has 1000 lines; there is none from line 1001 on.]"
    )


async def test_one_endless_line_does_not_fill_the_window(house: House) -> None:
    await house.add(b"x" * 100_000 + b"\nshort", "wide.txt")
    text = await house.open(file="wide.txt")
    assert len(text) < OPEN_FILE.kept
    assert "[line cut]" in text
    assert "short" in await house.open(file="wide.txt", offset=2)


async def test_a_file_outside_of_the_path_cannot_be_opened_not_even_by_its_id(house: House) -> None:
    elsewhere = await house.files.put(house.user, b"elsewhere", "e.txt")
    await house.add(b"here", "h.txt")
    for wanted in (elsewhere.file, "e.txt", "/etc/passwd", "../h.txt"):
        with pytest.raises(ToolFault, match=r"no such file in this thread\. There are: h\.txt") as fault:
            await house.open(file=wanted)
        assert fault.value.code == "file_not_here"


async def test_somebody_elses_file_cannot_be_opened_even_if_the_path_names_it(
    house: House, other: User
) -> None:
    row = await house.add(b"private", "h.txt")
    with pytest.raises(ToolFault, match="There are: none"):
        await house.open(house.turn(other), file=row.file)


async def test_of_two_files_with_one_name_the_id_is_asked_for(house: House) -> None:
    one, two = await house.add(b"1", "same.txt"), await house.add(b"2", "same.txt")
    with pytest.raises(ToolFault, match="give the id") as fault:
        await house.open(file="same.txt")
    assert one.file in fault.value.detail
    assert two.file in fault.value.detail
    assert "1\t2" in await house.open(file=two.file)


async def test_a_file_without_words_says_what_it_is(house: House) -> None:
    await house.add(b"%PDF-1.7", "paper.pdf")
    with pytest.raises(ToolFault, match=r"paper\.pdf is of type application/pdf") as fault:
        await house.open(file="paper.pdf")
    assert fault.value.code == "file_without_text"


async def test_what_a_tool_of_this_thread_kept_can_be_opened_and_only_there(house: House) -> None:
    kept = await house.keep(house.turn(), "the whole result", "r.txt")
    assert "the whole result" in await house.open(file=kept)
    assert [tool.name for tool in await house.registry.on_offer(house.turn())] == ["open_file"]
    with pytest.raises(ToolFault):
        await house.open(house.turn(thread="elsewhere"), file=kept)
    house.path.append(ToolResult(id="c", content=(Text(text="cut"), Citation(part=0, file=kept))))
    assert "the whole result" in await house.open(house.turn(thread="a fork"), file=kept)


def test_files_are_found_in_parts_and_within_results() -> None:
    picture = Image(media_type="image/png", file="p")
    result = ToolResult(id="c", content=(Text(text="x"), picture, Citation(part=0, file="r")))
    remote = File(media_type="text/plain", url="https://example.org/x")
    assert list(file_ids([File(media_type="text/plain", file="f"), remote, result])) == ["f", "p", "r"]
