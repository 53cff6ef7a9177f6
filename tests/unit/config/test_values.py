"""What a value may be, and what is said when it is something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.config.configurations import SOURCE, config_of, violations_of
from vawsum_agent.config.model import Config
from vawsum_agent.core.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def refused(folder: Path, text: str) -> tuple[str, str]:
    """The key and the expectation of the one violation in ``text``."""
    (violation,) = violations_of(folder, text)
    return violation.key, violation.expected


@pytest.mark.parametrize(
    ("line", "key", "expected"),
    [
        ('flush_interval = "2"', "flush_interval", "a duration"),
        ("flush_interval = 2", "flush_interval", "a duration"),
        ('flush_interval = "50ms"', "flush_interval", "100ms to 60s"),
        ('flush_interval = "2m"', "flush_interval", "100ms to 60s"),
        ('buffer = "1MiB"', "buffer", "2MiB"),
        ('buffer = "16MB"', "buffer", "a size"),
        ("retention_days = 31", "retention_days", "one of 1, 3, 5, 7"),
        ("retention_days = true", "retention_days", "a whole number"),
        ("retention_days = 30.0", "retention_days", "a whole number"),
        ("kms_key_id = 1979-05-27", "kms_key_id", "text"),
        ('flush_intervall = "2s"', "flush_intervall", "did you mean flush_interval?"),
        ("zebra = 1", "zebra", "a known key: one of flush_interval, buffer, retention_days, "),
        ("[logs.zebra]", "zebra", "a known table: [[logs.source]]"),
        ("[logs.sauce]\n", "sauce", "did you mean source?"),
    ],
)
def test_logs_table(tmp_path: Path, line: str, key: str, expected: str) -> None:
    """A value that is not what the key takes is refused with what it takes; an unknown key with the nearest one."""
    found_key, found = refused(tmp_path, f"[logs]\n{line}\n{SOURCE}")
    assert found_key == f"logs.{key}"
    assert expected in found


@pytest.mark.parametrize(
    ("line", "key", "expected"),
    [
        ('timezone = "Asia/Kolkatta"', "timezone", "a zone of the tz database"),
        ('timezone = "../../etc/passwd"', "timezone", "a zone of the tz database"),
        ('timezone = "Asia"', "timezone", "a zone of the tz database"),
        ('start_at = "begining"', "start_at", 'did you mean "beginning"?'),
        ('log_group = "/v/{sauce}"', "log_group", "{sauce} is none"),
        ('log_group = "/v/{"', "log_group", "{ is none"),
        ('log_group = "/v {source}"', "log_group", "a log group name"),
        ('log_stream = "{instance_id}:{path}"', "log_stream", "none of them : or *"),
        ('log_stream = ""', "log_stream", "a log stream name: 1 to 512 characters"),
        ("log_stream = 1", "log_stream", "a log stream name: 1 to 512 characters"),
        ('redact = ["password", ""]', "redact[1]", "not empty"),
        ("redact = [1]", "redact[0]", "text"),
        ('redact = "password"', "redact", "a list, each text that is not empty"),
        ('multiline_start = "^x"', "multiline_start", 'format = "apache-access" brings its own'),
        ('timestamp_format = "%F %T"', "timestamp_format", 'for format = "plain"'),
    ],
)
def test_source_table(tmp_path: Path, line: str, key: str, expected: str) -> None:
    """The same for a source, whose violations name its place in its file."""
    found_key, found = refused(tmp_path, SOURCE + line)
    assert found_key == f"logs.source[0].{key}"
    assert expected in found


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('multiline_start = "("', "a regular expression (missing )"),
        ('timestamp_format = "%Q"', "%Q is no directive"),
    ],
)
def test_plain_format_patterns(tmp_path: Path, line: str, expected: str) -> None:
    """A pattern that would match nothing is told before the first line is read."""
    plain = SOURCE.replace('"apache-access"', '"plain"')
    assert config_of(tmp_path, plain + 'multiline_start = "^\\\\["\ntimestamp_format = "%d/%b/%Y:%T"').logs
    assert expected in refused(tmp_path, plain + line)[1]


@pytest.mark.parametrize("missing", ["name", "paths", "format"])
def test_required_keys(tmp_path: Path, missing: str) -> None:
    """A key without a default has to be there; what is shown of its value says that it isn't."""
    text = "\n".join(line for line in SOURCE.splitlines() if not line.startswith(missing))
    (violation,) = violations_of(tmp_path, text)
    assert violation.key == f"logs.source[0].{missing}"
    assert "it is required" in violation.expected
    assert "(missing)" in str(violation)


def test_duplicate_source_names(tmp_path: Path) -> None:
    """Two sources of one name would share a row of the ledger; both places are named."""
    (violation,) = violations_of(tmp_path, SOURCE, other=SOURCE)
    assert violation.key == "logs.source[0].name"
    assert violation.file.endswith("other.toml")
    assert "logs.source[0] in" in violation.expected
    assert "agent.toml has it too" in violation.expected


@pytest.mark.parametrize("text", ["[logs]\n", "[logs]\nsource = []\n"])
def test_logs_without_sources(tmp_path: Path, text: str) -> None:
    """A logs table that ships nothing is a mistake, not a way to switch it off."""
    assert refused(tmp_path, text) == ("logs.source", "at least one [[logs.source]]")


@pytest.mark.parametrize("table", ["fleet"])
def test_tables_of_other_versions(tmp_path: Path, table: str) -> None:
    """A capability this version lacks is refused by name: its absence must not look like success."""
    assert refused(tmp_path, f"[{table}]\n") == (table, f"no [{table}]: this version of the agent does not know it")


def test_names_that_do_not_suit_a_log_group(tmp_path: Path) -> None:
    """What the placeholders will put into a log group's name is checked now, not at the first batch."""
    key, expected = refused(tmp_path, SOURCE.replace('"access"', '"my logs"'))
    assert key == "logs.source[0].log_group"
    assert '"/vawsum/production/my logs"' in expected


def test_kind_of_table(tmp_path: Path) -> None:
    """A table where an array of tables belongs, and the reverse, are told apart."""
    assert refused(tmp_path, "[logs.source]\nname = 1\n")[1] == "an array of tables ([[…]])"
    assert refused(tmp_path, "[[agent]]\n")[1] == "a table"
    assert refused(tmp_path, "agent = 3\n")[1] == "a table"


def test_long_values_are_shown_short(tmp_path: Path) -> None:
    """A violation stays one readable line whatever the value is."""
    for value in (f'"{"x" * 10000}"', f"0x{'f' * 5000}", f"[{','.join(['1'] * 1000)}]", "{a = {b = 1}}"):
        (violation,) = violations_of(tmp_path, f"[agent]\nrole = {value}\n")
        assert len(str(violation)) < 500


def test_defaults_hold_their_own_rules(tmp_path: Path) -> None:
    """Leaving keys out gives what the reference documents."""
    config = config_of(tmp_path, SOURCE)
    assert isinstance(config, Config)
    assert config.logs is not None
    assert (config.logs.flush_interval, config.logs.buffer, config.logs.retention_days) == (2.0, 16 << 20, 30)
    assert config.logs.source[0].log_stream == "{instance_id}{path}"


def test_exit_code() -> None:
    """A refused configuration ends a command with EX_CONFIG, which keeps systemd from restarting the unit."""
    assert ConfigError([]).exit_code == 78
