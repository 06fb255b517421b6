"""The commands as a person or a script meets them: what they print, where, and how they end."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from pathlib import Path

import pytest

from windowseat.testing.replies import answer, call, error, pause, text, thinking


async def run(terminal, *arguments, **more):
    return await asyncio.to_thread(terminal.run, *arguments, **more)


async def lines(terminal, *arguments, **more):
    return await asyncio.to_thread(terminal.lines, *arguments, **more)


async def test_in_a_pipe_stdout_holds_the_words_and_nothing_else(connected, provider):
    provider.script([answer(thinking("Let me see."), text("Because of the air."))])
    done = await run(connected, "ask", "Why is the sky blue?")
    assert (done.returncode, done.stdout) == (0, "Because of the air.\n")


async def test_json_prints_each_event_and_last_the_two_messages(connected):
    events = await lines(connected, "ask", "Hello", "--json")
    assert [event["n"] for event in events[:-1]] == list(range(1, len(events)))
    last = events[-1]
    assert last["type"] == "settled"
    user, assistant = last["messages"]
    assert (user["role"], assistant["role"]) == ("user", "assistant")
    assert assistant["parent"] == user["id"]
    assert user["parts"] == [{"type": "text", "text": "Hello"}]


async def test_a_thread_goes_on_from_its_tip_and_is_listed_and_shown(connected, provider):
    first = (await lines(connected, "ask", "One", "--json"))[-1]
    second = (await lines(connected, "ask", "Two", "-t", first["thread"], "--json"))[-1]
    assert second["messages"][0]["parent"] == first["messages"][1]["id"]
    sent = [message["content"] for message in provider.requests[-1].json["messages"]]
    assert (sent[0], sent[-1], len(sent)) == ("One", "Two", 3)
    (listed,) = await lines(connected, "threads", "--json")
    assert [thread["id"] for thread in listed["threads"]] == [first["thread"]]
    (shown,) = await lines(connected, "show", first["thread"], "--json")
    assert [message["role"] for message in shown["messages"]] == ["user", "assistant"] * 2


async def test_what_is_piped_in_and_files_are_sent(connected, provider, tmp_path):
    note = tmp_path / "note.txt"
    note.write_text("Tea at four.")
    done = await run(connected, "ask", "Sum up:", "-", "-f", str(note), stdin="a long story")
    assert done.returncode == 0, done.stderr
    sent = json.dumps(provider.requests[-1].json["messages"])
    assert "a long story" in sent
    assert "Tea at four." in sent


async def test_no_stream_asks_for_one_whole_answer(connected, provider):
    provider.script([answer(text("Whole."))])
    done = await run(connected, "ask", "Hello", "--no-stream")
    assert done.stdout == "Whole.\n"
    assert not provider.requests[-1].json.get("stream")


async def test_a_temporary_thread_is_kept_nowhere(connected):
    await run(connected, "ask", "Secret words here", "--temporary")
    (listed,) = await lines(connected, "threads", "--json")
    assert listed["threads"] == []
    held = b"".join(path.read_bytes() for path in connected.home.glob("windowseat.db*"))
    assert b"Secret words here" not in held


async def test_a_turn_that_ends_in_an_error_is_exit_code_1_with_its_words(connected, provider):
    provider.script([answer(text("Some words")), error(500, "It broke.")])
    assert (await run(connected, "ask", "Hello")).returncode == 0
    done = await run(connected, "ask", "Hello")
    assert done.returncode == 1
    assert "It broke." in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("ask",), 2, "Missing argument"),
        (("ask", "x", "-m", "nobody/x"), 2, "no connection"),
        (("ask", "x", "-m", "nobody"), 2, "No model that is connected"),
        (("ask", "x", "-t", "nowhere"), 2, "no thread"),
        (("ask", " "), 2, "nothing to ask"),
        (("show", "nowhere"), 2, "no thread"),
        (("link",), 2, "No server runs"),
        (("settings", "prot", "1"), 3, "prot"),
        (("connect", "x", "--dialect", "openai-chat", "--url", "ftp://x"), 2, "http"),
        (("connect", "x", "--dialect", "openai-chat", "--url", "http://x", "--header", "a"), 2, "NAME=VALUE"),
        (("models", "get", "gpt-9"), 2, "gpt-9"),
    ],
)
async def test_what_cannot_be_done_says_why_and_ends_with_its_code(connected, arguments, code, words):
    done = await run(connected, *arguments)
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode == code, done.stderr


async def test_ctrl_c_keeps_the_text(connected, provider):
    provider.script([answer(text("Some words"), pause(30), text("never"))])
    asking = connected.start("ask", "Hello")
    assert await asyncio.to_thread(asking.stdout.read, 10) == "Some words"
    asking.send_signal(signal.SIGINT)
    _, err = await asyncio.to_thread(asking.communicate, timeout=20)
    assert asking.returncode == 130, err
    (listed,) = await lines(connected, "threads", "--json")
    (shown,) = await lines(connected, "show", listed["threads"][0]["id"], "--json")
    kept = shown["messages"][1]
    assert kept["stop_reason"] == "cancelled"
    assert kept["parts"][0]["text"] == "Some words"


async def test_a_command_is_the_client_of_the_server_that_runs(connected):
    async with connected.serving() as (address, _):
        asked = (await lines(connected, "ask", "Hello", "--json"))[-1]
        assert asked["messages"][1]["stop_reason"] == "end"
        link = await run(connected, "link")
        assert link.stdout.startswith(address)
        second = await run(connected, "serve", "--port", "0")
        assert second.returncode == 3
        assert address in second.stderr


async def test_serve_waits_for_a_lone_ask_and_then_starts(connected, provider):
    provider.script([answer(text("Slow"), pause(1.5), text(" words"))])
    asking = connected.start("ask", "Hello")
    assert await asyncio.to_thread(asking.stdout.read, 4) == "Slow"
    started = time.monotonic()
    async with connected.serving():
        waited = time.monotonic() - started
        out, _ = await asyncio.to_thread(asking.communicate, timeout=20)
    assert (asking.returncode, out) == (0, " words\n")
    assert waited > 0.5


async def test_a_second_ask_is_the_client_of_a_lone_one(connected, provider):
    provider.script([answer(text("Slow"), pause(1.5), text(" words")), answer(text("Quick."))])
    first = connected.start("ask", "Hello")
    assert await asyncio.to_thread(first.stdout.read, 4) == "Slow"
    second = await run(connected, "ask", "Me too")
    assert second.stdout == "Quick.\n"
    out, _ = await asyncio.to_thread(first.communicate, timeout=20)
    assert (first.returncode, out) == (0, " words\n")


async def test_an_answer_goes_on_through_a_killed_server(connected, provider):
    provider.script([answer(text("The sky is blue because"), pause(30)), answer(text(" of the air."))])
    server = connected.start("serve", "--port", "0")
    await asyncio.to_thread(server.stdout.readline)
    asking = connected.start("ask", "Why?")
    said = "The sky is blue because"
    assert await asyncio.to_thread(asking.stdout.read, len(said)) == said
    server.kill()
    await asyncio.to_thread(server.communicate)
    async with connected.serving():
        out, err = await asyncio.to_thread(asking.communicate, timeout=30)
    assert asking.returncode == 0, err
    assert out.endswith(" of the air.\n")


async def test_a_tool_that_changes_nothing_runs_without_asking(connected, provider, tmp_path):
    note = tmp_path / "note.txt"
    note.write_text("Tea at four.")
    provider.script([answer(call("open_file", {"file": "note.txt"})), answer(text("At four."))])
    events = await lines(connected, "ask", "When is tea?", "-f", str(note), "--json")
    types = [event["type"] for event in events]
    assert "tool_started" in types
    assert "approval_asked" not in types
    result = next(part for part in events[-1]["messages"][1]["parts"] if part["type"] == "tool_result")
    assert "Tea at four." in json.dumps(result)


async def test_settings_are_listed_set_and_unset(terminal):
    assert "port = 8321" in (await run(terminal, "settings")).stdout
    assert (await run(terminal, "settings", "port", "9000")).returncode == 0
    assert (await run(terminal, "settings", "port")).stdout == "9000\n"
    assert (await run(terminal, "settings", "port", "--unset")).returncode == 0
    assert (await run(terminal, "settings", "port")).stdout == "8321\n"


async def test_a_key_is_printed_as_the_last_word_and_ended(connected):
    made = await run(connected, "key", "new", "script", "--api")
    key = made.stdout.split()[-1]
    assert key.startswith("ws-")
    listed = await run(connected, "key", "list")
    assert key not in listed.stdout
    ended = await run(connected, "key", "end", listed.stdout.split()[0])
    assert ended.returncode == 0, ended.stderr
    assert (await run(connected, "key", "list")).stdout == ""


async def test_a_connection_is_replaced_and_its_key_read_from_a_pipe(connected, provider):
    done = await run(
        connected, "connect", "scripted", "--dialect", "openai-chat", "--url", provider.url, "--key", "-",
        "--header", "X-Team=blue", "--query", "v=1", stdin="sk-secret-words\n",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    await run(connected, "ask", "Hello")
    sent = provider.requests[-1]
    assert sent.headers["authorization"] == "Bearer sk-secret-words"
    assert sent.headers["x-team"] == "blue"
    assert "v=1" in sent.path
    assert b"sk-secret-words" not in b"".join(p.read_bytes() for p in connected.home.glob("windowseat.db*"))


async def test_a_known_provider_needs_no_address_and_another_is_told_what_it_needs(connected):
    assert "https://platform.openai.com/api-keys" in (await run(connected, "providers")).stdout
    done = await run(connected, "connect", "anthropic", "--key", "-", stdin="sk-ant-secret-words\n")
    assert done.returncode == 0, done.stderr
    missing = await run(connected, "connect", "mine")
    assert missing.returncode == 2
    assert "--dialect" in missing.stderr


async def test_a_connection_is_tested_in_words_and_the_request_is_in_the_ledger(connected, provider):
    works = await run(connected, "test", "scripted", "-m", "echo")
    assert works.returncode == 0, works.stderr
    provider.script([error(401, "Incorrect API key provided.")])
    fails = await run(connected, "test", "scripted", "-m", "echo")
    assert fails.returncode == 1
    assert "key" in fails.stdout
    spent = await run(connected, "ledger", "--by", "purpose")
    assert spent.stdout.startswith("test ")
    assert "price unknown" in spent.stdout


async def test_the_version_and_completion_are_printed_at_once(terminal):
    from windowseat import __version__

    assert (await run(terminal, "version")).stdout == f"{__version__}\n"
    assert "_WINDOWSEAT_COMPLETE" in (await run(terminal, "completion", "bash")).stdout


@pytest.mark.engine
async def test_with_no_key_a_real_model_answers(tmp_path, first_model):
    from tests.entrypoints.cli.conftest import Terminal

    models = tmp_path / "home" / "models"
    models.mkdir(parents=True)
    (models / first_model.name).symlink_to(first_model)
    done = await run(Terminal(tmp_path / "home"), "ask", "Why is the sky blue?", timeout=180)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) > 10


def test_the_page_about_the_commands_says_what_they_say():
    from windowseat.entrypoints.cli.help_page import page

    written = Path(__file__).parents[3] / "docs" / "features" / "command-line.md"
    assert written.read_text(encoding="utf-8") == page(), "run python -m windowseat.entrypoints.cli.help_page"
