"""Settings: environment over file over default, each with where it is from; mistakes name their place."""

from __future__ import annotations

import dataclasses
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from windowseat.core.errors import Fault
from windowseat.platform.settings import SETTINGS, Settings, read_settings
from windowseat.platform.settings_file import unset_setting, write_setting
from windowseat.platform.settings_page import settings_page

PAGE = Path(__file__).parents[2] / "docs" / "features" / "settings.md"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def fault_of(file: Path, environ: dict[str, str]) -> Fault:
    with pytest.raises(Fault) as fault:
        read_settings(file, environ)
    return fault.value


def test_the_page_of_the_docs_is_made_from_the_table() -> None:
    told = "python -m windowseat.platform.settings_page > docs/features/settings.md"
    assert PAGE.read_text("utf-8") == settings_page(), f"the page is stale; run: {told}"
    command = [sys.executable, "-m", "windowseat.platform.settings_page"]
    made = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert made == settings_page()


def test_every_setting_has_a_sentence_and_a_default_of_its_kind(file: Path) -> None:
    settings = read_settings(file, {})
    assert {setting.name for setting in SETTINGS} | {"origins"} == {
        one.name for one in dataclasses.fields(Settings)
    }
    for setting in SETTINGS:
        assert setting.meaning.endswith(".")
        assert getattr(settings, setting.name) == setting.default
        assert settings.origins[setting.name] == "default"
    assert (settings.host, settings.port, settings.silence_timeout) == ("127.0.0.1", 8321, 300.0)


def test_the_environment_stands_over_the_file_and_the_file_over_the_default(file: Path) -> None:
    file.write_text('host = "0.0.0.0"\nport = 9000\n\nhosts = ["a.example", "b.example"]\n')
    settings = read_settings(
        file, {"WINDOWSEAT_PORT": "0", "WINDOWSEAT_HOSTS": "", "PATH": "/bin", "WINDOWSEAT_HOME": "/x"}
    )
    assert (settings.host, settings.port, settings.hosts) == ("0.0.0.0", 0, ("a.example", "b.example"))
    assert settings.origins["host"] == f"{file}, line 1"
    assert settings.origins["hosts"] == f"{file}, line 4"
    assert settings.origins["port"] == "environment, WINDOWSEAT_PORT"
    assert settings.origins["base_path"] == "default"


def test_each_kind_is_read_from_text_and_from_toml(file: Path) -> None:
    file.write_text('key_file = "keys/shared"\nsilence_timeout = 12\nlog_level = "INFO"\nhosts = []\n')
    settings = read_settings(file, {})
    assert (settings.silence_timeout, settings.log_level, settings.hosts) == (12.0, "info", ())
    assert type(settings.silence_timeout) is float
    assert settings.key_file == Path("keys/shared").absolute()
    environ = {
        "WINDOWSEAT_KEY_FILE": "/a/$HOME",
        "WINDOWSEAT_SILENCE_TIMEOUT": "1.5",
        "WINDOWSEAT_LOG_LEVEL": "Debug",
        "WINDOWSEAT_HOSTS": " a.example , b.example,",
        "WINDOWSEAT_STEPS_PER_TURN": "7",
        "WINDOWSEAT_DEFAULT_MODEL": "local/smollm2",
    }
    settings = read_settings(file, environ)
    assert (settings.key_file, settings.silence_timeout, settings.log_level) == (
        Path("/a/$HOME"),
        1.5,
        "debug",
    )
    assert (settings.hosts, settings.steps_per_turn) == (("a.example", "b.example"), 7)
    assert settings.default_model == "local/smollm2"


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ('port = "8321"', "a whole number from 0 to 65535"),
        ("port = 65536", "a whole number from 0 to 65535"),
        ("port = true", "a whole number from 0 to 65535"),
        ("port = 80.0", "a whole number from 0 to 65535"),
        ("silence_timeout = nan", "a number from 1 on"),
        ("silence_timeout = inf", "a number from 1 on"),
        ("host = 1", "a text"),
        ('hosts = "a.example"', "a list of texts"),
        ("hosts = [1]", "a list of texts"),
        ('log_level = "loud"', "one of debug, info, warning, error"),
        ('key_file = ""', "a path"),
    ],
)
def test_a_wrong_value_in_the_file_names_its_line(file: Path, line: str, wanted: str) -> None:
    file.write_text(f"# first\n\n{line}\n")
    fault = fault_of(file, {})
    assert fault.code == "setting_wrong"
    assert wanted in fault.detail
    assert f"{file}, line 3" in fault.detail


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "http"), ("PORT", "-1"), ("SILENCE_TIMEOUT", "nan"), ("LOG_LEVEL", "x")]
)
def test_a_wrong_variable_is_named_and_its_value_is_not_shown(file: Path, name: str, value: str) -> None:
    fault = fault_of(file, {f"WINDOWSEAT_{name}": value})
    assert fault.code == "setting_wrong"
    assert f"(environment, WINDOWSEAT_{name})" in fault.detail


def test_an_unknown_name_is_refused_with_the_nearest_one(file: Path) -> None:
    file.write_text("host = 'a'\nprot = 1\n")
    fault = fault_of(file, {})
    assert (fault.code, fault.hint) == ("setting_unknown", "Did you mean port?")
    assert "line 2" in fault.detail
    file.write_text("[mail]\nto = 'a'\n")
    fault = fault_of(file, {})
    assert fault.code == "setting_unknown"
    assert "line 1" in fault.detail
    file.unlink()
    fault = fault_of(file, {"WINDOWSEAT_HOTS": "a"})
    assert fault.code == "setting_unknown"
    assert "WINDOWSEAT_HOTS" in fault.detail


def test_a_file_that_is_no_toml_names_the_line(file: Path) -> None:
    file.write_text("host = 127.0.0.1\n")
    fault = fault_of(file, {})
    assert fault.code == "settings_unreadable"
    assert "line 1" in fault.detail
    file.write_bytes(b"host = '\xff'")
    assert fault_of(file, {}).code == "settings_unreadable"


def test_settings_are_frozen_and_show_no_password(file: Path) -> None:
    settings = read_settings(file, {"WINDOWSEAT_DATABASE_URL": "postgresql://me:password@db/x"})
    assert settings.database_url == "postgresql://me:password@db/x"
    assert "password" not in repr(settings)
    assert [setting.name for setting in SETTINGS if setting.secret] == ["database_url"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.port = 1  # type: ignore[misc]


def test_writing_keeps_every_other_line_and_comment(file: Path) -> None:
    file.write_text(
        "# ours\nhost = \"a # b\"  # why\nhosts = [  # names\n  'x.example', # one\n]\n\n"
        "port = 1 # two\n# end"
    )
    file.chmod(0o640)
    write_setting(file, "port", "9000")
    write_setting(file, "host", 'quo"te')
    write_setting(file, "hosts", "y.example,z.example")
    write_setting(file, "base_path", "/w")
    assert file.read_text() == (
        '# ours\nhost = "quo\\"te"  # why\nhosts = ["y.example", "z.example"]\n\nport = 9000  # two\n# end\n'
        'base_path = "/w"\n'
    )
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert read_settings(file, {}).hosts == ("y.example", "z.example")
    assert unset_setting(file, "hosts")
    assert not unset_setting(file, "hosts")
    assert (
        file.read_text()
        == '# ours\nhost = "quo\\"te"  # why\n\nport = 9000  # two\n# end\nbase_path = "/w"\n'
    )
    assert [path.name for path in file.parent.iterdir()] == ["settings.toml"]


def test_a_file_is_made_private_and_a_link_to_it_stays_a_link(file: Path, tmp_path: Path) -> None:
    real = tmp_path / "real.toml"
    file.symlink_to(real)
    write_setting(file, "silence_timeout", "60")
    write_setting(file, "base_path", "a\x7f\n\\ü")
    assert file.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    settings = read_settings(file, {})
    assert (settings.silence_timeout, settings.base_path) == (60.0, "a\x7f\n\\ü")


def test_a_line_goes_before_the_first_table_and_an_unknown_one_can_be_removed(file: Path) -> None:
    file.write_text("prot = 1\n[mail]\nport = 5\n")
    write_setting(file, "host", "h")
    assert file.read_text() == 'prot = 1\nhost = "h"\n[mail]\nport = 5\n'
    assert unset_setting(file, "prot")
    assert file.read_text() == 'host = "h"\n[mail]\nport = 5\n'


@pytest.mark.parametrize("text", ['"port" = 1\n', 'note = """\nport = 3\n"""\n', "[mail]\nport = 5\n"])
def test_what_cannot_be_changed_safely_is_left_alone(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(Fault) as fault:
        write_setting(file, "port", "2")
    assert fault.value.code == "settings_not_written"
    assert file.read_text() == text


def test_a_wrong_or_unknown_name_is_not_written(file: Path) -> None:
    for name, given, code in [
        ("port", "many", "setting_wrong"),
        ("log_level", "x", "setting_wrong"),
        ("prot", "1", "setting_unknown"),
    ]:
        with pytest.raises(Fault) as fault:
            write_setting(file, name, given)
        assert fault.value.code == code
    assert not file.exists()
    with pytest.raises(Fault) as fault:
        write_setting(file.parent / "missing" / "settings.toml", "port", "1")
    assert fault.value.code == "settings_not_written"
