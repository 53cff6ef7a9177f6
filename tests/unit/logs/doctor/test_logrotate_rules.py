"""Each way in which a rotation can lose lines is told, with the line of the configuration and a remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.logs.doctor.making import ROOT, STRANGER, a_source, bad, only
from vawsum_agent.core.finding import Severity
from vawsum_agent.logs.doctor.found import LogFile
from vawsum_agent.logs.doctor.logrotate.check import logrotate

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.config.model import FormatName
    from vawsum_agent.core.eyes import Eyes
    from vawsum_agent.core.finding import Finding

DEBIAN = "daily\nrotate 14\ncompress\ndelaycompress\ncreate 640 root adm\npostrotate\nreload\nendscript\n"


def judge(
    root: Path, directives: str, *, log_format: FormatName = "php-error", eyes: Eyes = ROOT, files: int = 1
) -> list[Finding]:
    """Have the rotation of /var/log/app/*.log judged."""
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc/logrotate.conf").write_text(f"/var/log/app/*.log {{\n{directives}}}\n")
    source = a_source("/var/log/app/*.log", log_format=log_format)
    return list(logrotate([LogFile(source, f"/var/log/app/{number}.log") for number in range(files)], eyes, root))


def test_debians_rotation_of_apache_is_well(tmp_path: Path) -> None:
    """What a distribution ships for Apache raises nothing, and is said to lose nothing."""
    findings = judge(tmp_path, DEBIAN, log_format="apache-access", files=2)
    assert bad(findings) == []
    assert "2 files" in findings[0].what


def test_files_without_a_rotation_say_nothing(tmp_path: Path) -> None:
    """What logrotate does not touch it does not lose."""
    assert list(logrotate([LogFile(a_source("/x"), "/x")], ROOT, tmp_path)) == []


@pytest.mark.parametrize(
    ("directives", "line", "words", "severity"),
    [
        ("rotate 14\ncopytruncate\n", 3, "between the copy and the truncation", Severity.WARNING),
        ("daily\nrotate 0\n", 3, "deleted at once", Severity.PROBLEM),
        ("daily\n", 1, "deleted at once", Severity.PROBLEM),
        ("daily\nrotate 1\n", 3, "24 hours", Severity.WARNING),
        ("hourly\nrotate 24\n", 3, "24 hours", Severity.WARNING),
        ("rotate 1\nsize 100k\n", 3, "100.0 KiB", Severity.WARNING),
        ("daily\nrotate 3\nmaxsize 10M\n", 4, "30.0 MiB", Severity.WARNING),
        ("rotate 14\nmaxage 1\n", 3, "maxage 1", Severity.WARNING),
        ("rotate 14\ncompress\n", 3, "slow writer", Severity.WARNING),
        ("rotate 14\nshred\n", 3, "random bytes", Severity.PROBLEM),
        ("rotate 14\ncompress\ndelaycompress\ncompresscmd /usr/bin/zstd\n", 5, "zstd to .zst", Severity.PROBLEM),
        (
            "rotate 14\ncompress\ndelaycompress\ncompresscmd bzip2\ncompressext .gz\n",
            5,
            "bzip2 to .gz",
            Severity.PROBLEM,
        ),
        ("rotate 14\nolddir /mnt/old\n", 3, "/mnt/old is not below", Severity.WARNING),
        ("rotate 14\ndateext\ndateformat .%A\n", 4, "0.log.Monday", Severity.WARNING),
    ],
)
def test_what_can_lose_lines(tmp_path: Path, directives: str, line: int, words: str, severity: Severity) -> None:
    """One finding a cause, at the line that causes it."""
    found = only(judge(tmp_path, directives))
    assert words in found.what
    assert found.where == f"{tmp_path}/etc/logrotate.conf:{line}"
    assert found.severity is severity
    assert "/var/log/app/0.log" in found.what


@pytest.mark.parametrize(
    "directives",
    [
        "rotate 14\nnocompress\n",
        "rotate 14\nmaxage 30\n",
        "rotate -1\n",
        "weekly\nrotate 1\n",
        "rotate 5\nsize 100M\n",
        "rotate 14\ncompress\ndelaycompress\ncompresscmd /usr/bin/xz\n",
        "rotate 14\ncompress\ndelaycompress\ncompresscmd /usr/bin/bzip2\ncompressext .bz2\n",
        "rotate 14\ncompress\ndelaycompress\ncompresscmd pigz\n",
        "rotate 14\ncompresscmd zstd\n",
        "rotate 14\nolddir old\n",
        "rotate 14\nolddir /var/log/app/old\n",
        "rotate 14\ndateext\n",
        "rotate 14\ndateext\nextension .log\n",
        "rotate 14\ndateext\ndateformat -%Y-%m-%d_%H\n",
        "rotate 14\ncreate 0640 www-data adm\n",
        "rotate 14\ncopytruncate\nnocopytruncate\n",
    ],
)
def test_what_loses_nothing(tmp_path: Path, directives: str) -> None:
    """Settings that the agent copes with are no reason to worry anybody."""
    assert bad(judge(tmp_path, directives)) == []


def test_a_writer_that_keeps_its_log_open_must_be_told(tmp_path: Path) -> None:
    """Apache writes on into the renamed log until it is reloaded; PHP opens its error log anew for each message."""
    found = only(judge(tmp_path, "rotate 14\n", log_format="apache-access"))
    assert "reopen" in found.what
    assert bad(judge(tmp_path, "rotate 14\n", log_format="php-error")) == []


def test_the_next_log_must_be_readable(tmp_path: Path) -> None:
    """A log readable today and created 0600 tomorrow is a problem today, for a daemon without the capability."""
    found = only(judge(tmp_path, "rotate 14\ncreate 0600 root root\n", eyes=STRANGER))
    assert found.severity is Severity.PROBLEM
    assert "vawsum-agent" in found.what
    assert bad(judge(tmp_path, "rotate 14\ncreate 0600 root root\n", eyes=ROOT)) == []


def test_many_files_of_one_stanza_are_told_once(tmp_path: Path) -> None:
    """A hundred logs under one copytruncate are one finding."""
    assert len(bad(judge(tmp_path, "rotate 14\ncopytruncate\n", files=100))) == 1
