"""The sources of the host on this host, beside what psutil and the kernel say of it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.counts import count
from vawsum_agent.config.model import MetricsConfig, ProcessGroup
from vawsum_agent.metrics.host import host_sources
from vawsum_agent.metrics.host.sock_diag import count_tcp_states
from vawsum_agent.metrics.host.socket_states import V4_STATE_AT, V6_STATE_AT, TcpState, count_listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vawsum_agent.core.metric import Collected, MetricSource

BURN_S = 2.0
# Names itself what no parser likes, says so, and burns a core until it is told to end.
BURNER = """
import ctypes, sys, time
ctypes.CDLL(None).prctl(15, b"a) R (\\n b", 0, 0, 0)
print("ready", flush=True)
while True:
    pass
"""
# Runs in a mount namespace of its own, where the path is covered as the unit's sandbox covers what it hides.
COVERED = """
import sys
from pathlib import Path
from vawsum_agent.core.errors import AgentError
from vawsum_agent.metrics.host.disk import Disk
try:
    readings = Disk(sys.argv[1], Path("/proc"), Path("/sys")).collect().gauges
    print(int(readings[0].value), dict(readings[0].dimensions)["fstype"])
except AgentError as error:
    print(error)
"""
HIDDEN = """
from vawsum_agent.config.model import MetricsConfig
from vawsum_agent.core.errors import AgentError
from vawsum_agent.metrics.host import host_sources
for source in host_sources(MetricsConfig()):
    try:
        source.collect()
    except AgentError as error:
        print(source.name, error.message)
"""
# In namespaces of its own: a process ends, and another one gets its id.
SAME_ID = """
import os
from pathlib import Path
from vawsum_agent.metrics.host.process_files import ProcessFiles
def spawn(name):
    pid = os.fork()
    if not pid:
        Path("/proc/self/comm").write_text(name)
        os.read(held[0], 1)
        os._exit(0)
    while Path(f"/proc/{pid}/comm").read_text() != name + "\\n":
        pass
    return pid
held = os.pipe()
files = ProcessFiles(Path("/proc"), 10)
spawn("stays")
first = spawn("first")
list(files.read())
os.kill(first, 9)
os.waitpid(first, 0)
Path("/proc/sys/kernel/ns_last_pid").write_text(str(first - 1))
second = spawn("second")
looks = [dict(files.read())[str(second)] for _ in range(2)]
print(first == second, *(b"(second)" in data for data in looks))
"""
# Runs as root in a mount namespace of its own; its child is nobody, from whom processes get hidden between two looks.
HIDDEN_LATER = """
import os, subprocess, sys
from vawsum_agent.config.model import MetricsConfig
from vawsum_agent.core.errors import AgentError
from vawsum_agent.metrics.host import host_sources
source = next(source for source in host_sources(MetricsConfig()) if source.name == "processes")
readable, writable = os.pipe()
seen, told = os.pipe()
if os.fork():
    assert os.read(seen, 1)
    subprocess.run(["mount", "-o", "remount,hidepid=" + sys.argv[1], "/proc"], check=True)
    os.write(writable, b"x")
    os.wait()
else:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
    print(source.collect().gauges[0].value > 1)
    os.write(told, b"x")
    os.read(readable, 1)
    try:
        source.collect()
    except AgentError as error:
        print(error.message)
"""
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a mount namespace")


def sources(**config: object) -> dict[str, MetricSource]:
    """All sources by name."""
    return {source.name: source for source in host_sources(MetricsConfig(**config))}  # type: ignore[arg-type]


def values(collected: Collected) -> dict[str, float]:
    """Gauges by name."""
    return {reading.name: reading.value for reading in collected.gauges}


def increases(source: MetricSource, before: Mapping[str, float]) -> dict[str, float]:
    """What its counters grew by, as a round reckons it."""
    return {key: total - before[key] for key, total in source.collect().counters.items() if key in before}


def test_every_source_of_this_host_answers() -> None:
    """Twice, and all it gives is of a listed metric, with just that metric's dimensions, and can be true."""
    names: Counter[str] = Counter()
    for source in sources().values():
        listed = {metric.name: metric for metric in source.metrics}
        before = source.collect().counters
        time.sleep(0.05)
        collected = source.collect()
        assert collected.left_out == 0
        grown = {key: total - before.get(key, 0) for key, total in collected.counters.items()}
        for reading in (*collected.gauges, *source.derive(grown, 0.05)):
            metric = listed[reading.name]
            assert tuple(name for name, _ in reading.dimensions) == metric.dimensions
            assert 0 <= reading.value <= metric.highest, reading
            names[reading.name] += 1
    assert names["mem_used_percent"] == names["system_load1"] == names["disk_used_percent"] == 1


def test_memory_and_disk_are_as_psutil_says() -> None:
    """Within what moves between two looks."""
    memory, disk = psutil.virtual_memory(), psutil.disk_usage("/")
    every = sources()
    found = values(every["memory"].collect()) | values(every["disk:/"].collect())
    assert found["mem_total"] == memory.total
    assert found["mem_available"] == pytest.approx(memory.available, rel=0.1)
    assert found["disk_total"] == disk.total
    assert found["disk_free"] == pytest.approx(disk.free, rel=0.05)
    assert found["disk_used_percent"] == pytest.approx(disk.percent, abs=1)


def test_system_and_processes_are_as_psutil_says() -> None:
    """Processes come and go meanwhile."""
    every = sources()
    found = values(every["system"].collect()) | values(every["processes"].collect())
    assert found["system_uptime"] == pytest.approx(time.time() - psutil.boot_time(), abs=3)
    assert found["system_load5"] == pytest.approx(os.getloadavg()[1], abs=0.5)
    assert found["processes_total"] == pytest.approx(len(psutil.pids()), abs=10)
    assert found["processes_running"] >= 1, "the one that looks"


def test_disks_and_interfaces_count_as_psutil_does() -> None:
    """Totals of the same devices are the same, or a little more by the second look."""
    every = sources()
    disks, interfaces = psutil.disk_io_counters(perdisk=True, nowrap=False), psutil.net_io_counters(pernic=True)
    for key, total in every["diskio"].collect().counters.items():
        name, _, kind = key.partition(":")
        theirs = {"read_bytes": disks[name].read_bytes, "writes": disks[name].write_count}.get(kind, total)
        assert theirs <= total <= theirs + 100_000_000
    for key, total in every["network"].collect().counters.items():
        name, _, kind = key.rpartition(":")
        theirs = {"bytes_recv": interfaces[name].bytes_recv, "drop_out": interfaces[name].dropout}.get(kind, total)
        assert theirs <= total <= theirs + 100_000_000


def test_what_is_written_is_counted(tmp_path: Path) -> None:
    """Four megabytes that reach the disk."""
    source = sources()["diskio"]
    before = source.collect().counters
    if not before or tmp_path.stat().st_dev != Path("/").stat().st_dev:
        pytest.skip("needs a physical disk, and the tests' folder on it")
    with (tmp_path / "written").open("wb") as file:
        file.write(os.urandom(4_000_000))
        os.fsync(file.fileno())
    grown = increases(source, before)
    written = sum(value for key, value in grown.items() if key.endswith(":write_bytes"))
    assert written >= 4_000_000


def test_a_process_that_burns_a_core_is_seen_to() -> None:
    """By group, under a name that breaks parsers, and in the processors' time, within a fifth."""
    group = ProcessGroup(name="burner", commands=["a) R (*"])
    every = sources(process=[group])
    with subprocess.Popen([sys.executable, "-c", BURNER], stdout=subprocess.PIPE) as burner:
        try:
            assert burner.stdout is not None
            assert burner.stdout.readline() == b"ready\n"
            process, processor = every["processes"], every["processor"]
            began = time.monotonic()
            before, before_all = process.collect(), processor.collect()
            used_before_s = sum(psutil.Process(burner.pid).cpu_times()[:2])
            time.sleep(BURN_S)
            grown, grown_all = increases(process, before.counters), increases(processor, before_all.counters)
            used_s = sum(psutil.Process(burner.pid).cpu_times()[:2]) - used_before_s
            elapsed_s = time.monotonic() - began
        finally:
            burner.kill()
    gauges = {
        reading.name: reading.value for reading in before.gauges if ("process_name", "burner") in reading.dimensions
    }
    assert gauges["procstat_lookup_pid_count"] == 1
    assert gauges["procstat_memory_rss"] > 1_000_000
    (usage,) = process.derive(grown, elapsed_s)
    assert usage.dimensions == (("process_name", "burner"),)
    assert usage.value == pytest.approx(100 * used_s / elapsed_s, rel=0.2)
    shares = {reading.name: reading.value for reading in processor.derive(grown_all, elapsed_s)}
    assert shares["cpu_usage_active"] >= 0.8 * usage.value / (os.cpu_count() or 1)


def test_both_ways_to_tcp_states_agree() -> None:
    """Connections in several states, over both families: netlink and procfs count the same."""
    with ExitStack() as stack:
        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            _connections(stack, family, address, count(50, 1000))
        listed = Counter[TcpState]()
        for name, state_at in (("tcp", V4_STATE_AT), ("tcp6", V6_STATE_AT)):
            counts, left_out = count_listed(Path("/proc/net", name).read_bytes(), state_at)
            listed += counts
            assert left_out == 0
        asked, unknown = count_tcp_states()
        assert unknown == 0
        assert listed[TcpState.ESTABLISHED] >= 2 * count(50, 1000)
        assert listed[TcpState.CLOSE_WAIT] >= 2
        # Other programs of this host connect and close meanwhile; what a state of theirs comes to may differ a little.
        for state in TcpState:
            assert asked[state] == pytest.approx(listed[state], abs=10, rel=0.05), state


def _connections(stack: ExitStack, family: socket.AddressFamily, address: str, pairs: int) -> None:
    """Open pairs of connected sockets, and one that the other side has closed."""
    listening = stack.enter_context(socket.create_server((address, 0), family=family, backlog=1000))
    for _ in range(pairs):
        stack.enter_context(socket.create_connection(listening.getsockname()[:2]))
        stack.enter_context(listening.accept()[0])
    left = stack.enter_context(socket.create_connection(listening.getsockname()[:2]))
    listening.accept()[0].close()
    assert left.recv(1) == b""


def in_namespace(setup: str, code: str, *arguments: str, prefix: str = "", pids: bool = False) -> list[str]:
    """Run code where mounts are nobody else's; returns its lines."""
    script = f'{setup}\nexec {prefix} "$0" -c "$1" "$2"'
    own = ["--mount", "--propagation", "private", *(["--pid", "--fork", "--mount-proc"] if pids else [])]
    command = ["unshare", *own, "sh", "-euc", script, sys.executable, code]
    done = subprocess.run([*command, *(arguments or ("",))], check=True, capture_output=True, text=True, timeout=30)
    return done.stdout.splitlines()


@needs_root
def test_a_disk_under_the_sandbox_s_cover_is_told_from_it(tmp_path: Path) -> None:
    """Covered, it is an error; with one of its folders bound elsewhere, it is measured whole."""
    disk, shown = tmp_path / "disk", tmp_path / "shown"
    for folder in (disk, shown):
        folder.mkdir()
    mount = f"mount --bind {disk} {disk}"
    cover = f"mount -t tmpfs -o size=1m cover {disk}"
    (covered,) = in_namespace(f"{mount}\n{cover}", COVERED, str(disk))
    whole = os.statvfs(tmp_path)
    if "hides it" not in covered:
        # The folder it was bound from is on a file system that is visible elsewhere, such as at /.
        assert covered.split()[0] == str(whole.f_blocks * whole.f_frsize)
    (bound,) = in_namespace(f"{mount}\nmount --bind {disk} {shown}\n{cover}", COVERED, str(disk))
    assert bound.split()[0] == str(whole.f_blocks * whole.f_frsize)
    assert bound.split()[1] != "tmpfs"


@needs_root
def test_where_processes_are_hidden_only_their_source_is_down() -> None:
    """As an unprivileged user under hidepid, which is what ProtectProc=invisible is; the agent still sees itself."""
    user = "setpriv --reuid=65534 --regid=65534 --clear-groups"
    # The capability of the unit, so that the interpreter can be read wherever it lies.
    capability = "--inh-caps=+dac_read_search --ambient-caps=+dac_read_search"
    lines = in_namespace("mount -t proc -o hidepid=invisible proc /proc", HIDDEN, prefix=f"{user} {capability}")
    assert lines == ["processes processes of other users are hidden from the agent"]


@needs_root
@pytest.mark.parametrize("way", ["noaccess", "invisible"])
def test_processes_that_get_hidden_later_are_noticed(way: str) -> None:
    """Files that stayed open from before could still be read, and would make up a host with no new process."""
    lines = in_namespace("mount -t proc proc /proc", HIDDEN_LATER, way)
    assert lines == ["True", "processes of other users are hidden from the agent"]


@needs_root
def test_a_process_with_the_id_of_an_earlier_one_is_itself() -> None:
    """What is held open of the earlier one says nothing any more, and is not taken for the later one's."""
    assert in_namespace("", SAME_ID, pids=True) == ["True True True"]
