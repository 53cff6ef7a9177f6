"""What is said of a configuration that is refused: what is expected, in the words of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.config.configurations import config_of, violations_of
from vawsum_agent.metrics.host.agent_process import GROUP

if TYPE_CHECKING:
    from pathlib import Path

PROCESS = '[[metrics.process]]\nname = "queue"\ncommands = ["worker*"]\n'


def refused(folder: Path, text: str) -> tuple[str, str]:
    """The key and the expectation of the one violation in ``text``."""
    (violation,) = violations_of(folder, text)
    return violation.key, violation.expected


def test_topic_is_asked_for_by_an_example(tmp_path: Path) -> None:
    """Whoever forgets the ARN, or writes something else, is told what one looks like."""
    for line in ("", 'sns_topic_arn = ""', "sns_topic_arn = 5", 'sns_topic_arn = "vawsum-ops"'):
        key, expected = refused(tmp_path, f"[notify]\n{line}\n")
        assert key == "notify.sns_topic_arn"
        assert 'the ARN of an SNS topic such as "arn:aws:sns:ap-south-1:123456789012:vawsum-ops"' in expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:99999/", "a URL that begins with http://, with a port of 1 to 65535"),
        ("http://127.0.0.1:0/", "a URL that begins with http://, with a port of 1 to 65535"),
        ("http://127.0.0.1:http/", "a URL that begins with http://, with a port of 1 to 65535"),
        ("https://127.0.0.1/", "a URL that begins with http://"),
        ("http:///server-status", "a URL that begins with http:// and a host"),
        ("http://[::1/", "a URL that begins with http://"),
        ("", "a URL that begins with http://"),
    ],
)
def test_status_urls(tmp_path: Path, url: str, expected: str) -> None:
    """What is wrong with a URL is said of that part of it, in a list as well as alone."""
    assert refused(tmp_path, f'[metrics.apache]\nstatus_url = "{url}"') == ("metrics.apache.status_url", expected)
    several = f'[metrics.php_fpm]\nmore_status_urls = ["http://127.0.0.1/a", "{url}"]'
    assert refused(tmp_path, several) == ("metrics.php_fpm.more_status_urls[1]", expected)


def test_tables_are_named_where_tables_stand(tmp_path: Path) -> None:
    """For an unknown table the known tables are listed, for an unknown key the keys; outside all tables, the tables."""
    table = refused(tmp_path, "[zebra]")[1]
    assert table.startswith("a known table: one of [agent], [logs], [metrics], ")
    assert refused(tmp_path, "zebra = 1")[1].startswith("a table, in which its keys stand: one of [agent], [logs], ")
    assert "[[metrics.process]], [metrics.apache]" in refused(tmp_path, "[metrics.zebra]")[1]
    assert "a known key: one of name, commands" in refused(tmp_path, PROCESS + "[metrics.process.zebra]")[1]


def test_a_bad_item_hides_no_other_violation(tmp_path: Path) -> None:
    """What a list as a whole must hold is checked as well where one of its items is refused."""
    found = violations_of(tmp_path, '[metrics]\ndimensions = ["InstanceId", "Zone", "InstanceId"]')
    assert [violation.key for violation in found] == ["metrics.dimensions[1]", "metrics.dimensions"]
    assert found[1].expected == "each at most once"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("role = true", "agent.role = true: "),
        ('role = ["/"]', 'agent.role = ["/"]: '),
        ("role = 2026-01-02", "agent.role = 2026-01-02: "),
        ("role = {a = 1}", "agent.role = {…}: "),
        ("role = [1, 2, 3, 4, 5]", "agent.role = [1, 2, 3, 4, …]: "),
        ('role = "\\u001b[2J"', 'agent.role = "\\u001b[2J": '),
    ],
)
def test_values_are_shown_as_toml(tmp_path: Path, line: str, shown: str) -> None:
    """A value looks in a message as it does in the file, and commands no terminal."""
    (violation,) = violations_of(tmp_path, f"[agent]\n{line}\n")
    assert shown in str(violation)


def test_process_groups_have_names_of_their_own(tmp_path: Path) -> None:
    """Two groups of one name would be added up; both places are named."""
    assert len(config_of(tmp_path, PROCESS + PROCESS.replace("queue", "cron")).metrics.process) == 2  # type: ignore[union-attr]
    (violation,) = violations_of(tmp_path, PROCESS, other=PROCESS)
    assert violation.key == "metrics.process[0].name"
    assert "agent.toml has it too" in violation.expected


@pytest.mark.parametrize("name", [GROUP, "", " ", "früh", "a" * 256])
def test_names_of_process_groups(tmp_path: Path, name: str) -> None:
    """The agent's own name is taken, and what CloudWatch refuses as a dimension is refused here."""
    key, expected = refused(tmp_path, PROCESS.replace("queue", name))
    assert key == "metrics.process[0].name"
    assert "the agent itself is always measured" in expected
