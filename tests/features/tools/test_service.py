"""The registry: what is on offer, under whose policy, and how a call runs, fails, is cut and is stopped."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from windowseat.core.ask import Turn, User
from windowseat.core.errors import Conflict, Fault, NotFound, ToolFault
from windowseat.core.model import Options
from windowseat.core.parts import Citation, Image, Json, Part, Text, ToolCall
from windowseat.core.ports import Emit
from windowseat.core.tool import Policy, Tool
from windowseat.features.tools import ToolRegistry
from windowseat.platform.database import Database
from windowseat.testing.clock import StoppedClock
from windowseat.testing.tools import SEND_LETTER, AskingTool

LOOK = Tool(name="look", description="Looks.", schema={"type": "object"}, touches="nothing", policy="always")


class Keeper:
    """Stands for the files: what was kept, by id."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[str, str]] = {}

    async def __call__(self, turn: Turn, text: str, name: str) -> str:
        self.kept[f"file-{len(self.kept) + 1}"] = (name, text)
        return f"file-{len(self.kept)}"


async def looks(_turn: Turn, _arguments: dict[str, Json], _emit: Emit) -> str:
    return "seen"


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


@pytest.fixture
def asking() -> AskingTool:
    return AskingTool()


@pytest.fixture
def registry(database: Database, clock: StoppedClock, keeper: Keeper, asking: AskingTool) -> ToolRegistry:
    made = ToolRegistry(database, clock, keeper)
    made.register(LOOK, looks)
    made.register(asking.tool, asking.run)
    return made


def turn_of(user: User, *, thread: str | None = "thread", **more: Any) -> Turn:
    facts: dict[str, Any] = {"parent": None, "user_message": None, "options": Options(), **more}
    return Turn(id="turn", user=user, thread=thread, message="message", model="local/x", **facts)


def call_of(name: str, arguments: dict[str, Json] | str | None = None) -> ToolCall:
    return ToolCall(id="call", name=name, arguments={} if arguments is None else arguments)


def ignore(_: str | Part) -> None:
    """Shows nothing."""


async def offered(registry: ToolRegistry, turn: Turn) -> dict[str, Policy]:
    return {tool.name: tool.policy for tool in await registry.on_offer(turn)}


# -- what is on offer -----------------------------------------------------------------------------


async def test_an_answer_has_all_tools_in_a_stable_order(registry: ToolRegistry, user: User) -> None:
    assert [tool.name for tool in await registry.on_offer(turn_of(user))] == ["look", "send_letter"]


async def test_named_tools_are_offered_alone_and_unknown_names_are_nothing(
    registry: ToolRegistry, user: User
) -> None:
    some = turn_of(user, options=Options(tools=("look", "weather")))
    none = turn_of(user, options=Options(tools=()))
    assert await offered(registry, some) == {"look": "always"}
    assert await offered(registry, none) == {}


@pytest.mark.parametrize("purpose", ["title", "summary", "judge", "test", "api"])
async def test_a_hidden_request_has_tools_only_where_it_names_them(
    registry: ToolRegistry, user: User, purpose: str
) -> None:
    turn = turn_of(user, purpose=purpose)
    assert await offered(registry, turn) == {}
    assert await offered(registry, replace(turn, options=Options(tools=("look",)))) == {"look": "always"}


async def test_a_tool_that_makes_no_sense_here_is_not_offered(registry: ToolRegistry, user: User) -> None:
    async def never(_turn: Turn) -> bool:
        return False

    registry.register(replace(LOOK, name="listen"), looks, offered=never)
    assert "listen" not in await offered(registry, turn_of(user))


async def test_a_decision_for_a_thread_holds_there_and_one_for_always_everywhere(
    registry: ToolRegistry, user: User, other: User
) -> None:
    turn = turn_of(user)
    for decision in ("once", "deny"):
        await registry.remember(turn, "send_letter", decision)
    assert (await offered(registry, turn))["send_letter"] == "ask"
    await registry.remember(turn, "send_letter", "thread")
    assert (await offered(registry, turn))["send_letter"] == "always"
    assert (await offered(registry, turn_of(user, thread="elsewhere")))["send_letter"] == "ask"
    assert (await offered(registry, turn_of(user, thread=None)))["send_letter"] == "ask"
    await registry.remember(turn, "send_letter", "always")
    assert (await offered(registry, turn_of(user, thread="elsewhere")))["send_letter"] == "always"
    assert (await offered(registry, turn_of(other)))["send_letter"] == "ask"


async def test_a_policy_of_a_thread_stands_over_the_users_and_can_be_taken_back(
    registry: ToolRegistry, user: User
) -> None:
    await registry.set_policy(user, "look", "never")
    await registry.set_policy(user, "look", "ask", thread="thread")
    assert (await offered(registry, turn_of(user)))["look"] == "ask"
    assert "look" not in await offered(registry, turn_of(user, thread="elsewhere"))
    assert "look" not in await offered(registry, turn_of(user, thread=None, options=Options(tools=("look",))))
    await registry.set_policy(user, "look", None)
    assert await registry.policies(user) == {"look": "always", "send_letter": "ask"}
    assert await registry.policies(user, "thread") == {"look": "ask", "send_letter": "ask"}


async def test_a_policy_for_a_tool_that_is_not_there_is_refused(registry: ToolRegistry, user: User) -> None:
    with pytest.raises(NotFound):
        await registry.set_policy(user, "weather", "always")


async def test_two_tools_cannot_have_one_name(registry: ToolRegistry) -> None:
    with pytest.raises(Conflict):
        registry.register(LOOK, looks)
    registry.unregister("look")
    registry.register(LOOK, looks)


# -- running a call -------------------------------------------------------------------------------


async def test_a_call_runs_with_its_arguments_and_gives_words(
    registry: ToolRegistry, asking: AskingTool, user: User
) -> None:
    letter = {"to": "Rosa", "text": "Hello"}
    result = await registry.run(turn_of(user), call_of("send_letter", letter), ignore)
    assert result == (Text(text="The letter to Rosa was sent."),)
    assert asking.ended == [letter]


async def test_what_a_tool_shows_meanwhile_is_passed_on(
    registry: ToolRegistry, asking: AskingTool, user: User
) -> None:
    asking.delay = 0.001
    shown: list[str | Part] = []
    await registry.run(turn_of(user), call_of("send_letter", {"to": "Rosa", "text": ""}), shown.append)
    assert shown == ["Looking for a stamp …"]


@pytest.mark.parametrize(
    ("name", "arguments", "code", "words"),
    [
        ("weather", {}, "tool_unknown", "weather"),
        ("send_letter", {"to": "Rosa"}, "tool_arguments", "`text` is missing."),
        ("send_letter", '{"to": "Ro', "tool_arguments", "not a JSON object"),
    ],
)
async def test_a_call_that_cannot_be_run_says_why_and_runs_nothing(
    registry: ToolRegistry,
    asking: AskingTool,
    user: User,
    name: str,
    arguments: dict[str, Json] | str,
    code: str,
    words: str,
) -> None:
    with pytest.raises(ToolFault, match=words) as fault:
        await registry.run(turn_of(user), call_of(name, arguments), ignore)
    assert fault.value.code == code
    assert asking.began == []


async def test_a_tool_that_takes_too_long_is_stopped(
    registry: ToolRegistry, asking: AskingTool, user: User
) -> None:
    registry.unregister("send_letter")
    registry.register(replace(SEND_LETTER, timeout=0.02), asking.run)
    asking.delay = 60
    with pytest.raises(ToolFault, match=r"after 0\.02 seconds") as fault:
        await registry.run(turn_of(user), call_of("send_letter", {"to": "Rosa", "text": ""}), ignore)
    assert fault.value.code == "tool_timeout"
    assert (len(asking.began), len(asking.ended)) == (1, 0)


@pytest.mark.parametrize(
    ("failure", "code", "words"),
    [
        (ValueError("no such street"), "tool_failed", "ValueError: no such street"),
        (TimeoutError("its own"), "tool_failed", "TimeoutError: its own"),
        (ToolFault("no_stamp", "There is no stamp."), "no_stamp", r"There is no stamp\."),
        (Fault("closed", "The post is closed.", hint="Wait."), "closed", r"The post is closed\."),
    ],
)
async def test_a_tool_that_fails_says_so_in_words(
    registry: ToolRegistry, asking: AskingTool, user: User, failure: Exception, code: str, words: str
) -> None:
    asking.failure = failure
    with pytest.raises(ToolFault, match=words) as fault:
        await registry.run(turn_of(user), call_of("send_letter", {"to": "Rosa", "text": ""}), ignore)
    assert fault.value.code == code


async def test_a_failure_tells_no_secret_and_no_novel(
    registry: ToolRegistry, asking: AskingTool, user: User
) -> None:
    asking.failure = RuntimeError("Authorization: Bearer sk-abcdefghijklmnopqrstuv " + "x" * 5000)
    with pytest.raises(ToolFault) as fault:
        await registry.run(turn_of(user), call_of("send_letter", {"to": "Rosa", "text": ""}), ignore)
    assert "sk-abc" not in fault.value.detail
    assert len(fault.value.detail) < 700


async def test_a_cancelled_call_stops_its_tool(
    registry: ToolRegistry, asking: AskingTool, user: User
) -> None:
    asking.delay = 60
    running = asyncio.create_task(
        registry.run(turn_of(user), call_of("send_letter", {"to": "Rosa", "text": ""}), ignore)
    )
    while not asking.began:
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert asking.ended == []


async def test_a_file_name_that_is_no_text_does_not_break_the_turn(
    registry: ToolRegistry, user: User
) -> None:
    """Python reads the bytes of such a name as half surrogate pairs, which JSON cannot hold."""
    name = b"caf\xe9.txt".decode("utf-8", "surrogateescape")

    async def lists(_turn: Turn, arguments: dict[str, Json], emit: Emit) -> tuple[Part, ...]:
        emit(f"Found {name}")
        if arguments:
            raise FileNotFoundError(name)
        return (Text(text=name),)

    registry.register(replace(LOOK, name="list", schema={"type": "object"}), lists)
    shown: list[str | Part] = []
    result = await registry.run(turn_of(user), call_of("list"), shown.append)
    assert (shown, result) == (["Found caf?.txt"], (Text(text="caf?.txt"),))
    with pytest.raises(ToolFault, match=r"caf\?.txt"):
        await registry.run(turn_of(user), call_of("list", {"again": True}), ignore)


async def test_a_long_result_is_cut_and_all_of_it_kept_as_a_file(
    registry: ToolRegistry, keeper: Keeper, user: User
) -> None:
    picture = Image(media_type="image/png", file="p")

    async def writes(_turn: Turn, _arguments: dict[str, Json], _emit: Emit) -> tuple[Part, ...]:
        return (Text(text="a" * 8), picture, Text(text="b" * 8), Text(text="c" * 8))

    registry.register(replace(LOOK, name="write", kept=10), writes)
    result = await registry.run(turn_of(user), call_of("write"), ignore)
    assert result[:3] == (Text(text="a" * 8), picture, Text(text="bb"))
    line, source = result[3:]
    assert isinstance(line, Text)
    assert "first 10 of 24 characters" in line.text
    assert "file-1" in line.text
    assert source == Citation(part=3, file="file-1", title="write-call.txt")
    assert keeper.kept["file-1"] == ("write-call.txt", "a" * 8 + "\n" + "b" * 8 + "\n" + "c" * 8)


async def test_a_result_that_fits_is_left_alone(registry: ToolRegistry, keeper: Keeper, user: User) -> None:
    async def writes(_turn: Turn, _arguments: dict[str, Json], _emit: Emit) -> str:
        return "a" * 10

    registry.register(replace(LOOK, name="write", kept=10), writes)
    assert await registry.run(turn_of(user), call_of("write"), ignore) == (Text(text="a" * 10),)
    assert keeper.kept == {}
