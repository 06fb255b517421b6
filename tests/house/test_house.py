"""The house itself: locks, imports, commands and documents say what is so."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent.parent
SOURCE = PROJECT / "src" / "windowseat"
LOCKS = sorted(PROJECT.glob("requirements*.lock"))
DESCRIPTION = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))

# Modules of the standard library that reach the clock, the disk, the network or other processes.
NOT_PURE = {
    *("asyncio", "concurrent", "glob", "http", "io", "logging", "multiprocessing", "os", "pathlib", "random"),
    *("secrets", "select", "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "sys", "tempfile"),
    *("threading", "time", "urllib"),
}


def imported_by(file: Path) -> set[str]:
    """The top names of all modules that a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(str(node.module).split(".")[0])
    return names


def requirements(lock: Path) -> dict[str, list[str]]:
    """The hashes of each pinned requirement, by `name==version`."""
    found: dict[str, list[str]] = {}
    for line in lock.read_text("utf-8").splitlines():
        if pinned := re.match(r"([a-z0-9_.-]+==\S+)", line):
            found[pinned[1]] = []
        elif hashed := re.match(r"\s+--hash=sha256:([0-9a-f]{64})", line):
            found[list(found)[-1]].append(hashed[1])
    return found


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_pins_every_file_by_its_hash_and_names_no_index(lock: Path) -> None:
    text = lock.read_text("utf-8")
    assert requirements(lock)
    assert [pin for pin, hashes in requirements(lock).items() if not hashes] == []
    assert re.findall(r"--(?:extra-)?index|--find-links|://", text) == []


def test_every_direct_dependency_is_locked_and_has_its_reason() -> None:
    direct = {re.split(r"[^\w-]", line)[0] for line in DESCRIPTION["project"]["dependencies"]}
    locked = {pin.split("==")[0] for pin in requirements(PROJECT / "requirements.lock")}
    reasons = (PROJECT / "docs" / "decisions" / "0001-direct-dependencies.md").read_text("utf-8")
    assert direct - locked == set()
    assert {name for name in direct if f"**{name}**" not in reasons} == set()


def test_the_locks_agree_with_each_other() -> None:
    pinned = [{pin.split("==")[0]: pin for pin in requirements(lock)} for lock in LOCKS]
    for one in pinned:
        for other in pinned:
            assert {name: other[name] for name in one if name in other and one[name] != other[name]} == {}


@pytest.mark.parametrize("file", sorted((SOURCE / "core").rglob("*.py")), ids=lambda file: file.name)
def test_core_is_pure_standard_library(file: Path) -> None:
    names = imported_by(file) - {"windowseat"}
    assert names - sys.stdlib_module_names == set()
    assert names & NOT_PURE == set()


def test_no_import_does_anything() -> None:
    """Importing every module starts no thread or process, opens no socket and writes no file."""
    program = """
import sys, threading
done = []
def watch(event, arguments):
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+")
    if writes or event.startswith(("socket.connect", "socket.bind", "subprocess.", "sqlite3.connect")):
        done.append(f"{event} {arguments}")
sys.addaudithook(watch)
for name in sys.argv[1:]:
    __import__(name)
print(*done, *threading.enumerate()[1:], sep="\\n", end="")
"""
    files = [file.relative_to(SOURCE.parent).with_suffix("") for file in SOURCE.rglob("*.py")]
    names = sorted(".".join(file.parts).removesuffix(".__init__") for file in files)
    command = [sys.executable, "-B", "-c", program, *names]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("", "")


def test_the_command_line_starts_without_the_heavy_libraries() -> None:
    program = "import sys, windowseat.entrypoints.cli; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    heavy = {"fastapi", "uvicorn", "sqlalchemy", "httpx2", "cryptography", "xllamacpp", "pydantic"}
    assert heavy & set(done.stdout.split()) == set()


def test_functions_and_files_stay_short_enough_to_read() -> None:
    long: list[str] = []
    for file in SOURCE.rglob("*.py"):
        text = file.read_text("utf-8")
        if len(text.splitlines()) > 400:
            long.append(f"{file.relative_to(PROJECT)} has {len(text.splitlines())} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > 60:
                    long.append(f"{file.relative_to(PROJECT)}: {node.name} has {lines} lines")
    assert long == []


def test_help_lists_every_command_of_the_makefile_that_people_call() -> None:
    makefile = (PROJECT / "Makefile").read_text("utf-8")
    commands = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    listed = subprocess.run(["make", "-s", "help"], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert set(re.findall(r"^  make ([a-z-]+)", listed.stdout, re.MULTILINE)) == commands
    assert commands >= {"run", "test", "setup", "check", "dev", "help", "test-long", "lock"}


def test_the_makefile_keeps_to_what_make_3_81_knows() -> None:
    """What came with 3.82 and later: https://git.savannah.gnu.org/cgit/make.git/tree/NEWS"""
    makefile = (PROJECT / "Makefile").read_text("utf-8")
    newer = r"^\.ONESHELL|^\.SHELLFLAGS|^\S+\s*(?:!=|::?:=)|\$\((?:file|guile|let|intcmp) |&:|^define .*="
    assert re.findall(newer, makefile, re.MULTILINE) == []


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "docs"])
def test_every_link_in_the_documents_leads_to_a_file(document: str) -> None:
    pages = [PROJECT / document] if document.endswith(".md") else sorted((PROJECT / document).rglob("*.md"))
    assert pages
    broken: list[str] = []
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            if not (page.parent / target).exists():
                broken.append(f"{page.relative_to(PROJECT)} → {target}")
    assert broken == []


def test_the_map_of_changes_names_what_is_there() -> None:
    page = (PROJECT / "CONTRIBUTING.md").read_text("utf-8")
    rows = [row.split("|")[2:5] for row in page.splitlines() if re.match(r"\| [^-…]", row)]
    assert len(rows) > 10
    missing: list[str] = []
    for cells in rows:
        folder, files, tests = (re.findall(r"`([^`]+)`", cell) for cell in cells)
        for path in (*folder, *tests, *files):
            if not any((PROJECT / place / path).exists() for place in ("", *folder)):
                missing.append(path)
    assert missing == []
