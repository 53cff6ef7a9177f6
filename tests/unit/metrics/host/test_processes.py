"""Processes by state, and groups of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.metrics.host.trees import stat_line, write
from vawsum_agent.config.model import ProcessGroup
from vawsum_agent.core.errors import AgentError
from vawsum_agent.metrics.host.agent_process import AgentProcess
from vawsum_agent.metrics.host.groups import Groups
from vawsum_agent.metrics.host.process_files import ProcessFiles
from vawsum_agent.metrics.host.processes import Processes
from vawsum_agent.metrics.host.procstat import Scale

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from vawsum_agent.core.metric import Reading

SCALE = Scale(ticks_per_s=100, page_bytes=4096)
GROUPS = [
    ProcessGroup(name="apache", commands=["apache2", "httpd"]),
    ProcessGroup(name="php-fpm", commands=["php-fpm*"]),
]
INIT = stat_line(1, b"systemd")


def a_source(proc: Path, lines: Sequence[bytes]) -> Processes:
    """A source over a tree with these processes, and with what else there is in procfs."""
    files: dict[str, str | bytes] = {f"{int(line.split()[0])}/stat": line for line in lines}
    tree = write(proc, files | {"stat": "cpu 1\n", "sys/kernel/x": ""})
    return Processes(ProcessFiles(tree, 0), Groups(GROUPS), SCALE)


def values(readings: Sequence[Reading]) -> dict[tuple[str, str], float]:
    """Values by name and group."""
    return {(reading.name, dict(reading.dimensions).get("process_name", "")): reading.value for reading in readings}


def test_processes_are_counted_by_state(tmp_path: Path) -> None:
    """Each state has its count, the total has them all, also those in a state without one."""
    states = ["R", "S", "S", "D", "Z", "T", "t", "I", "P"]
    lines = [stat_line(10 + at, b"x", state, threads=2) for at, state in enumerate(states)]
    found = values(a_source(tmp_path, [INIT, *lines]).collect().gauges)
    counts = {name.removeprefix("processes_"): value for (name, group), value in found.items() if not group}
    assert counts == {
        "total": 10,
        "total_threads": 19,
        "running": 1,
        "sleeping": 3,
        "blocked": 1,
        "zombies": 1,
        "stopped": 2,
        "idle": 1,
    }


def test_groups_are_measured_together(tmp_path: Path) -> None:
    """Count and memory over all of a group; one that has no process counts zero, so that an alarm can see it."""
    lines = [stat_line(10, b"apache2", rss=100), stat_line(11, b"apache2", rss=50), stat_line(12, b"apache2", "Z")]
    found = values(a_source(tmp_path, [INIT, *lines, stat_line(13, b"apache20")]).collect().gauges)
    assert found["procstat_lookup_pid_count", "apache"] == 2, "a zombie serves nobody"
    assert found["procstat_memory_rss", "apache"] == 150 * 4096
    assert found["procstat_lookup_pid_count", "php-fpm"] == 0
    assert found["procstat_memory_rss", "php-fpm"] == 0


def test_processes_that_come_and_go_do_not_distort_a_group_s_cpu(tmp_path: Path) -> None:
    """One ended, one is new with a past of its own, one has the id of another: only who stayed counts."""
    before = [
        stat_line(10, b"php-fpm8.2", ticks=(90_000, 0)),
        stat_line(11, b"php-fpm8.2", ticks=(1000, 500)),
        stat_line(12, b"php-fpm8.2", ticks=(40_000, 0), started=100),
    ]
    after = [
        stat_line(11, b"php-fpm8.2", ticks=(1100, 550)),
        stat_line(12, b"php-fpm8.2", ticks=(70_000, 0), started=200),
        stat_line(13, b"php-fpm8.2", ticks=(80_000, 0)),
    ]
    source = a_source(tmp_path / "before", [INIT, *before])
    earlier = source.collect().counters
    later = a_source(tmp_path / "after", [INIT, *after]).collect().counters
    increases = {key: total - earlier[key] for key, total in later.items() if key in earlier}
    assert source.derive(increases, 10.0) == [("procstat_cpu_usage", 15.0, (("process_name", "php-fpm"),))]


def test_what_did_nothing_counts_again_and_what_did_counts_anew(tmp_path: Path) -> None:
    """A line that is the same is not read again; one that differs in anything is."""
    idle = stat_line(10, b"apache2", rss=100)
    source = a_source(tmp_path, [INIT, idle, stat_line(11, b"apache2", rss=50)])
    first = source.collect()
    assert source.collect() == first
    write(tmp_path, {"11/stat": stat_line(11, b"apache2", "R", rss=70, ticks=(30, 0))})
    later = source.collect()
    found = values(later.gauges)
    assert found["procstat_memory_rss", "apache"] == 170 * 4096
    assert (found["processes_running", ""], found["processes_sleeping", ""]) == (1, 2)
    assert sum(later.counters.values()) - sum(first.counters.values()) == pytest.approx(0.3)


def test_a_group_may_have_colons_in_its_name(tmp_path: Path) -> None:
    """Its counters are told apart from their end."""
    increases = {"shop:web:10:200": 1.0, "shop:web:11:201": 2.0}
    readings = a_source(tmp_path, [INIT]).derive(increases, 10.0)
    assert readings == [("procstat_cpu_usage", 30.0, (("process_name", "shop:web"),))]


def test_a_group_that_is_new_has_no_cpu_yet(tmp_path: Path) -> None:
    """Nothing, rather than zero or all since it began."""
    assert a_source(tmp_path, [INIT]).derive({}, 10.0) == []


def test_what_ends_or_is_damaged_meanwhile_takes_nothing_with_it(tmp_path: Path) -> None:
    """A folder without its file and an empty file are a process that ended; nonsense is left out and counted."""
    source = a_source(tmp_path, [INIT, stat_line(11, b"apache2")])
    (tmp_path / "20").mkdir()
    write(tmp_path, {"21/stat": b"", "22/stat": b"22 nonsense"})
    collected = source.collect()
    assert values(collected.gauges)["processes_total", ""] == 2
    assert collected.left_out == 1


def test_hidden_processes_are_an_error_not_a_small_number(tmp_path: Path) -> None:
    """Under ProtectProc=invisible the agent sees itself alone; to publish that would be a lie."""
    with pytest.raises(AgentError, match="hidden") as raised:
        a_source(tmp_path, [stat_line(11, b"apache2")]).collect()
    assert "ProtectProc" in raised.value.hint


def test_the_agent_sees_itself_all_the_same(tmp_path: Path) -> None:
    """Its own use is measured where all others are hidden."""
    write(tmp_path, {"4711/stat": stat_line(4711, b"vawsum-agent", ticks=(50, 50), rss=20)})
    source = AgentProcess(tmp_path, 4711, SCALE)
    collected = source.collect()
    found = values(collected.gauges)
    assert found["procstat_memory_rss", "vawsum-agent"] == 20 * 4096
    assert found["procstat_lookup_pid_count", "vawsum-agent"] == 1
    assert list(collected.counters.values()) == [1.0]
    increases = dict.fromkeys(collected.counters, 0.5)
    assert source.derive(increases, 10.0) == [("procstat_cpu_usage", 5.0, (("process_name", "vawsum-agent"),))]


def test_an_unreadable_agent_is_an_error(tmp_path: Path) -> None:
    """Never a traceback."""
    write(tmp_path, {"4711/stat": b"nonsense"})
    with pytest.raises(AgentError, match="4711"):
        AgentProcess(tmp_path, 4711, SCALE).collect()


@pytest.mark.parametrize(
    ("command", "names"),
    [
        (b"apache2", ("web", "all")),
        (b"php-fpm8.2", ("php", "all")),
        (b"php", ("all",)),
        (b"amazon-cloudwat", ("cloudwatch", "all")),
        (b"amazon-cloudwatch-agent", ("cloudwatch", "all")),
        (b"a\n[b]", ("odd", "all")),
        (b"\xff\xfe", ("all",)),
    ],
)
def test_names_and_globs_find_their_processes(command: bytes, names: tuple[str, ...]) -> None:
    """The whole name has to match, as the kernel cuts it at 15 bytes; a process may belong to several groups."""
    groups = Groups(
        [
            ProcessGroup(name="web", commands=["apache2", "httpd"]),
            ProcessGroup(name="php", commands=["php-fpm*"]),
            ProcessGroup(name="cloudwatch", commands=["amazon-cloudwatch-agent"]),
            ProcessGroup(name="odd", commands=["a?[[]b]"]),
            ProcessGroup(name="all", commands=["*"]),
        ]
    )
    assert groups.of(command) == groups.of(command) == names
