"""Reading the files: merging, refusing, and telling everything at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.config.configurations import SOURCE, config_of, violations_of, write
from vawsum_agent.config.load import load, load_agent
from vawsum_agent.config.model import Config
from vawsum_agent.core.errors import ConfigError


def test_contract_example(tmp_path: Path) -> None:
    """The tables that the documentation shows are taken as they are written there."""
    config = config_of(
        tmp_path,
        """
        [agent]
        role = "web"
        environment = "production"
        state_dir = "/var/lib/vawsum-agent"
        runtime_dir = "/run/vawsum-agent"
        instance_id = "i-0abc"
        region = "ap-south-1"

        [logs]
        flush_interval = "500ms"
        buffer = "16MiB"
        retention_days = 30
        kms_key_id = ""

        [[logs.source]]
        name = "apache-access"
        paths = ["/var/log/apache2/*access.log"]
        exclude = []
        format = "apache-access"
        timezone = "Asia/Kolkata"
        start_at = "end"
        log_group = "/vawsum/{environment}/apache-access"
        log_stream = "{instance_id}{path}"
        multiline_start = ""
        timestamp_format = ""
        redact = ["password", "token"]
        """,
    )
    assert config.agent.region == "ap-south-1"
    assert config.logs is not None
    assert config.logs.flush_interval == 0.5
    assert config.logs.buffer == 16 << 20
    assert config.logs.source[0].redact == ["password", "token"]


def test_empty_file_is_a_configuration(tmp_path: Path) -> None:
    """A capability runs when its table is present: with none, none runs."""
    assert config_of(tmp_path, "") == Config()


def test_conf_d_merges_and_appends(tmp_path: Path) -> None:
    """Tables merge and arrays of tables append, in name order of the files."""
    b, a = SOURCE.replace("access", "b"), SOURCE.replace("access", "a")
    b, a = (text.replace('apache-a"', 'apache-access"').replace('apache-b"', 'apache-access"') for text in (b, a))
    path = write(tmp_path, SOURCE, **{"20-b": b, "10-a": a + '[agent]\nrole = "db"'})
    loaded = load(path)
    assert loaded.config.logs is not None
    assert [source.name for source in loaded.config.logs.source] == ["access", "a", "b"]
    assert loaded.config.agent.role == "db"
    assert [file.name for file in loaded.files] == ["agent.toml", "10-a.toml", "20-b.toml"]


def test_other_files_of_conf_d_are_left_alone(tmp_path: Path) -> None:
    """What an editor or a package manager leaves beside the files is not read."""
    path = write(tmp_path, SOURCE, good="")
    for name in (".#good.toml", "good.toml~", "good.toml.dpkg-old", "README"):
        (tmp_path / "conf.d" / name).write_text("not TOML")
    assert len(load(path).files) == 2


def test_a_key_set_in_two_files_names_both(tmp_path: Path) -> None:
    """Nobody has to guess which of two files wins: none does."""
    (violation,) = violations_of(tmp_path, '[agent]\nrole = "web"', extra='[agent]\nrole = "db"')
    assert violation.file.endswith("conf.d/extra.toml")
    assert violation.key == "agent.role"
    assert violation.value == "db"
    assert "agent.toml sets it too" in violation.expected


def test_all_violations_of_all_files_at_once(tmp_path: Path) -> None:
    """A broken file hides nothing that is wrong elsewhere; each violation says file, key path, value, expected."""
    violations = violations_of(
        tmp_path,
        '[agent]\nrole = "wbe"\n[logs]\nbuffer = 5\n[[logs.source]]\nname = "x"\nformat = "nope"\n[fleet]\n',
        broken="[agent",
        second='[[logs.source]]\nname = "x"\npaths = ["relative"]\nformat = "json"\ntimezone = "Mars/Base"\n',
    )
    found = {(Path(violation.file).name, violation.key) for violation in violations}
    assert found == {
        ("broken.toml", ""),
        ("agent.toml", "agent.role"),
        ("agent.toml", "logs.buffer"),
        ("agent.toml", "logs.source[0].format"),
        ("agent.toml", "logs.source[0].paths"),
        ("agent.toml", "fleet"),
        ("second.toml", "logs.source[0].paths[0]"),
        ("second.toml", "logs.source[0].timezone"),
        ("second.toml", "logs.source[0].name"),
    }
    assert all(violation.expected for violation in violations)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"x = ", "Invalid value"),
        (b'x = "\xff"', "byte 5 is not UTF-8"),
        (b"x = " + b"[" * 5000, "deeper nesting"),
        (b".".join([b"a"] * 2000) + b" = 1", "deeper nesting"),
        (b"x = " + b"9" * 5000, "digit"),
        (b"#" * ((1 << 20) + 1), "larger"),
        (b"\x00", "line 1"),
    ],
)
def test_a_file_that_is_no_toml(tmp_path: Path, content: bytes, found: str) -> None:
    """Whatever is in a file, it is refused in one line that names it."""
    path = tmp_path / "agent.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(path)
    (violation,) = caught.value.violations
    assert violation.file == str(path)
    assert found in str(violation.value)
    assert "\n" not in str(violation)


def test_a_file_that_is_missing_or_unreadable(tmp_path: Path) -> None:
    """A missing main file and a folder in a file's place are violations, not tracebacks."""
    with pytest.raises(ConfigError, match="No such file"):
        load(tmp_path / "agent.toml")
    (tmp_path / "conf.d" / "folder.toml").mkdir(parents=True)
    with pytest.raises(ConfigError, match="a folder: expected a regular file"):
        load(write(tmp_path, ""))


def test_agent_table_alone(tmp_path: Path) -> None:
    """A running daemon is found even after the rest of its configuration was broken; its own table must hold."""
    broken = write(tmp_path, '[agent]\nstate_dir = "/state"\n[logs]\nbuffer = "x"\n[nonsense]\n')
    assert load_agent(broken).state_dir == "/state"
    assert load_agent(write(tmp_path, "")).state_dir == "/var/lib/vawsum-agent"
    with pytest.raises(ConfigError, match=r"agent\.state_dir"):
        load_agent(write(tmp_path, '[agent]\nstate_dir = "state"\n'))
    with pytest.raises(ConfigError):
        load_agent(write(tmp_path, "agent = 3"))
