"""A home: where things lie, folders that are private, and a socket path that is short and safe."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from windowseat.core.errors import Fault
from windowseat.platform.home import Home


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_environment_names_the_home_else_the_platform_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert Home.find({"WINDOWSEAT_HOME": "/srv/$HOME/talks"}).root == Path("/srv/$HOME/talks")
    assert Home.find({"WINDOWSEAT_HOME": "here"}).root == tmp_path / "here"
    assert Home.find({"WINDOWSEAT_HOME": "~/there"}).root == tmp_path / "there"
    for nothing in ({}, {"WINDOWSEAT_HOME": ""}):
        root = Home.find(nothing).root
        assert root.name == "windowseat"
        assert tmp_path in root.parents
        assert not root.exists()


def test_every_path_is_where_the_docs_say(tmp_path: Path) -> None:
    home = Home(tmp_path)
    names = {
        "windowseat.db": home.database,
        "files": home.files,
        "models": home.models,
        "keys": home.keys,
        "python": home.python,
        "backups": home.backups,
        "run": home.run,
        "run/process.lock": home.lock,
        "settings.toml": home.settings_file,
    }
    assert all(path == tmp_path / name for name, path in names.items())


def test_folders_are_made_private_and_loose_rights_are_tightened(tmp_path: Path) -> None:
    home = Home(tmp_path / "a" / "home")
    home.create()
    for folder in (home.root, home.files, home.models, home.keys, home.python, home.backups, home.run):
        assert mode(folder) == 0o700
    home.run.chmod(0o755)
    home.keys.chmod(0o770)
    home.files.chmod(0o750)
    home.create()
    assert (mode(home.run), mode(home.keys), mode(home.files)) == (0o700, 0o700, 0o750)


def test_a_home_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Fault) as fault:
        Home(tmp_path / "file" / "home").create()
    assert fault.value.code == "home_not_writable"
    assert "WINDOWSEAT_HOME" in fault.value.hint


def test_a_short_socket_path_lies_in_run_and_a_dead_owners_socket_goes(short_folder: Path) -> None:
    home = Home(short_folder)
    home.create()
    path = home.make_socket_path()
    assert path == home.socket_path() == home.run / "windowseat.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.close()
    assert path.exists()
    assert home.make_socket_path() == path
    assert not path.exists()


def test_a_long_socket_path_goes_to_a_short_folder_that_run_names(
    tmp_path: Path, short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(short_folder))
    home = Home(tmp_path / ("é" * 60))
    home.create()
    assert home.socket_path() is None
    path = home.make_socket_path()
    assert len(os.fsencode(path)) <= 100
    assert (home.run / "socket").read_text() == f"{path}\n"
    assert mode(path.parent) == 0o700
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.close()
    assert home.socket_path() == path
    assert home.make_socket_path() == path


def test_a_named_folder_that_is_not_ours_alone_is_not_used(
    tmp_path: Path, short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(short_folder))
    home = Home(tmp_path / ("x" * 100))
    home.create()
    path = home.make_socket_path()
    path.parent.chmod(0o755)
    assert home.socket_path() is None
    path.parent.chmod(0o700)
    moved = path.parent.rename(short_folder / "elsewhere")
    path.parent.symlink_to(moved)
    assert home.socket_path() is None
    path.parent.unlink()
    (home.run / "socket").write_text("/etc/passwd\n")
    assert home.socket_path() is None
    (home.run / "socket").write_bytes(b"\xff\xfe")
    assert home.socket_path() is None
    assert home.make_socket_path() not in (path, None)


def test_a_long_temp_folder_is_not_used_for_the_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("t" * 100)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    home = Home(tmp_path / ("x" * 100))
    home.create()
    path = home.make_socket_path()
    try:
        assert path.parent.parent == Path("/tmp")
        assert home.socket_path() == path
        assert list(deep.iterdir()) == []
    finally:
        path.parent.rmdir()
