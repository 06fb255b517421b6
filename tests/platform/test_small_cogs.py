"""The small cogs: ids that sort by time, moments as text, a log without secrets, the limit of open files."""

from __future__ import annotations

import io
import logging
import resource
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from windowseat.platform.clock import Clock, from_text, to_text
from windowseat.platform.files_limit import raise_files_limit
from windowseat.platform.ids import Ids
from windowseat.platform.log import SecretsStruck, set_up_log, strike_secrets


def test_ids_are_version_7_and_hold_the_time() -> None:
    made = uuid.UUID(Ids(lambda: 0x0123456789AB).new())
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert str(made).startswith("01234567-89ab-7")
    now = datetime.now(UTC).timestamp() * 1000
    assert abs((uuid.UUID(Ids().new()).int >> 80) - now) < 60_000


def test_ids_only_grow_within_one_millisecond_and_when_the_clock_goes_back() -> None:
    times = iter([5] * 5000 + [4] * 5000 + [6])
    ids = Ids(lambda: next(times))
    made = [ids.new() for _ in range(10_001)]
    assert made == sorted(set(made))
    assert {uuid.UUID(one).version for one in made} == {7}
    assert {uuid.UUID(one).variant for one in made} == {uuid.RFC_4122}


def test_ids_of_several_threads_never_meet_and_grow_within_each() -> None:
    ids = Ids(lambda: 1)
    lists: list[list[str]] = [[] for _ in range(4)]

    def make(made: list[str]) -> None:
        made.extend(ids.new() for _ in range(2000))

    threads = [threading.Thread(target=make, args=(made,)) for made in lists]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(made == sorted(made) for made in lists)
    assert len({one for made in lists for one in made}) == 8000


def test_moments_become_text_that_sorts_and_comes_back() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC)
    assert to_text(moment) == "2026-01-02T03:04:05.678Z"
    assert to_text(moment.replace(microsecond=0)) == "2026-01-02T03:04:05.000Z"
    east = moment.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert to_text(east) == to_text(moment)
    assert from_text("2026-01-02T08:34:05.678+05:30") == from_text("2026-01-02T03:04:05.678Z")
    assert from_text(to_text(moment)).utcoffset() == timedelta(0)
    with pytest.raises(ValueError, match="time zone"):
        to_text(moment.replace(tzinfo=None))
    with pytest.raises(ValueError, match="time zone"):
        from_text("2026-01-02T03:04:05")


def test_the_clock_is_in_utc_and_the_other_never_goes_back() -> None:
    clock = Clock()
    assert clock.now().utcoffset() == timedelta(0)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert clock.monotonic() <= clock.monotonic()


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Incorrect key provided: sk-proj-abcdefghij0123456789", "abcdefghij0123456789"),
        ("headers {'authorization': 'Bearer abc.def-123'}", "abc.def-123"),
        ("Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("x-api-key: 12345678", "12345678"),
        ('{"api_key": "12345678"}', "12345678"),
        ("POST /v1beta/models?alt=sse&key=AIzaSyA-1234567890abcdefghij", "1234567890abcdefghij"),
        ("GET https://me:hunter22@example.org/x", "hunter22"),
        ("cookie: windowseat=abcdef", "abcdef"),
        ("password=hunter22&user=me", "hunter22"),
        ("/sign-in?token=abcdef123", "abcdef123"),
        ("key gsk_abcdefghijklmnop12345 was refused", "abcdefghijklmnop12345"),
    ],
)
def test_the_log_strikes_out_what_looks_like_a_secret(text: str, secret: str) -> None:
    assert secret not in strike_secrets(text)
    assert "[secret]" in strike_secrets(text)


@pytest.mark.parametrize(
    "text",
    [
        "The turn 019a1f6e-7c1e-7a52-9d3e-6f6f6b0c7a11 used 123 tokens of local/smollm2",
        "Listening on http://127.0.0.1:8321/",
        "The key file /home/me/keys/connections.key is gone",
    ],
)
def test_the_log_leaves_plain_words_alone(text: str) -> None:
    assert strike_secrets(text) == text


def test_an_exception_in_the_log_is_struck_too_and_so_is_a_told_value() -> None:
    formatter = SecretsStruck()
    formatter.hide("plain-looking value")
    formatter.hide("the")
    try:
        raise ValueError("Bearer abcdefgh and the plain-looking value")
    except ValueError:
        record = logging.LogRecord("here", logging.ERROR, "", 0, "it %s", ("broke",), sys.exc_info())
    text = formatter.format(record)
    assert "ERROR here: it broke" in text
    assert "ValueError: Bearer [secret] and the [secret]" in text


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:], root.level = handlers, level


def test_the_log_is_quiet_until_it_is_told_otherwise(root_logger: logging.Logger) -> None:
    stream = io.StringIO()
    set_up_log(stream=stream)
    logging.getLogger("cog").info("not seen")
    logging.getLogger("cog").warning("seen")
    set_up_log("info", stream)
    logging.getLogger("cog").info("seen too")
    lines = stream.getvalue().splitlines()
    assert [line.partition(" cog: ")[2] for line in lines] == ["seen", "seen too"]


def test_the_limit_of_open_files_is_raised_as_far_as_the_hard_limit_and_never_lowered() -> None:
    program = """
import resource, sys
from windowseat.platform.files_limit import raise_files_limit
soft, hard = int(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(raise_files_limit(int(sys.argv[3])), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""
    for soft, hard, wanted, then in [(100, 500, 400, 400), (100, 500, 9000, 500), (300, 500, 200, 300)]:
        command = [sys.executable, "-c", program, str(soft), str(hard), str(wanted)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stdout.split() == [str(then), str(then), str(hard)]
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert raise_files_limit(1) == soft
