"""``vawsum-agent status``."""

from __future__ import annotations

import json
import re

import pytest

from tests.unit.cli.agents import Agent, component, status
from tests.unit.metrics.clocks import HandClock
from vawsum_agent.cli.status_rates import Rates
from vawsum_agent.core.clock import SystemClock, rfc3339
from vawsum_agent.state.store import Store


@pytest.mark.parametrize(
    ("state", "code"),
    [("running", 0), ("degraded", 1), ("starting", 1), ("draining", 1), ("failed", 2), ("stopped", 2)],
)
def test_exit_codes(agent: Agent, state: str, code: int) -> None:
    """A monitor reads the exit code as it reads a Nagios plug-in's."""
    agent.document = status(state)
    agent.start()
    assert agent.run("status").code == code
    assert agent.run("status", "--json").code == code


def test_json_is_the_daemons_document(agent: Agent) -> None:
    """``--json`` adds and takes away nothing."""
    agent.document = status("running", component())
    agent.start()
    assert json.loads(agent.run("status", "--json").out) == agent.document


def test_what_is_wrong_comes_first(agent: Agent) -> None:
    """Trouble stands on top, each with what to do about it; the components follow."""
    problem = {"what": "AccessDenied on /vawsum/x", "hint": "allow logs:PutLogEvents"}
    details = {"files": [], "restarts": 2, "problems": [problem]}
    trouble = component(
        "degraded", last_error=problem["what"], hint=problem["hint"], backlog_bytes=2048, details=details
    )
    agent.document = status("degraded", trouble)
    agent.document["notices"] = [{"text": "the configuration on disk is refused", "hint": "mend it"}]
    agent.start()
    lines = agent.run("status").out.splitlines()
    assert "degraded" in lines[0]
    assert lines[1:5] == [
        "! the configuration on disk is refused",
        "  → mend it",
        "! logs: AccessDenied on /vawsum/x",
        "  → allow logs:PutLogEvents",
    ]
    assert "2.0 KiB" in lines[-1]
    assert lines[-1].endswith("restarted 2 times, 0 files")


def test_ledger_of_files(agent: Agent) -> None:
    """With ``--files`` every followed file has its row, and files long gone have theirs."""
    file = {
        "path": "/var/log/a.log",
        "source": "a",
        "read_bytes": 3072,
        "accepted_bytes": 1024,
        "dropped_bytes": 1024,
        "dropped_by_reason": {"too_old": 1024},
        "pending_bytes": 1024,
        "unread_bytes": 0,
        "oldest_pending_s": 61.0,
    }
    folded = {"a": {"files": 3, "accepted_bytes": 4096, "dropped_by_reason": {}}}
    agent.document = status("running", component(details={"files": [file], "folded": folded, "restarts": 0}))
    agent.start()
    without, with_files = agent.run("status").out, agent.run("status", "--files").out
    assert "/var/log/a.log" not in without
    row = next(line for line in with_files.splitlines() if line.startswith("/var/log/a.log"))
    assert re.split(r" {2,}", row.strip()) == [
        *("/var/log/a.log", "a", "3.0 KiB", "1.0 KiB", "1.0 KiB", "0 B", "too_old 1.0 KiB", "1m 1s")
    ]
    assert "3 files long gone" in with_files


def test_daemon_is_down(agent: Agent) -> None:
    """A daemon that is down is told from its last words, with the time they are from; the exit code is 2."""
    clock = SystemClock()
    store = Store.open(agent.folder / "state" / "state.db", clock)
    store.save_snapshot(status("running", component()))
    store.close()
    ended = agent.run("status")
    assert ended.code == 2
    assert re.search(r"last heard of at [0-9-]+ [0-9:]+ UTC \(\d+s ago\)  what follows is from then\n", ended.out)
    assert "systemctl start vawsum-agent" in ended.out
    document = json.loads(agent.run("status", "--json").out)
    assert (document["state"], document["pid"], document["instance_id"]) == ("stopped", None, "i-1")
    assert document["components"][0]["state"] == "stopped"
    assert document["last_seen_at"].endswith("Z")


def test_daemon_never_ran(agent: Agent) -> None:
    """Without any trace of a daemon the document still has all its keys."""
    document = json.loads(agent.run("status", "--json").out)
    keys = {"version", "state", "instance_id", "role", "pid", "started_at", "components"}
    assert keys <= set(document)
    assert document["state"] == "stopped"
    assert agent.run("status").code == 2


def test_unreadable_state(agent: Agent) -> None:
    """A state store that can't be read is told, not thrown."""
    (agent.folder / "state").mkdir()
    (agent.folder / "state" / "state.db").write_bytes(b"garbage" * 1000)
    ended = agent.run("status")
    assert ended.code == 2
    assert "state.db" in ended.out


def test_broken_configuration_beside_a_running_daemon(agent: Agent) -> None:
    """A typo elsewhere in the file does not blind the monitoring."""
    agent.config.write_text(agent.config.read_text() + "[nonsense]\n")
    agent.start()
    assert agent.run("status").code == 0


def test_watch_and_json_exclude_each_other(agent: Agent) -> None:
    """One JSON document is one document."""
    assert agent.run("status", "--watch", "--json").code == 64


def test_rates() -> None:
    """The rate is what was accepted over the last minute of looks; a component begun anew has none."""
    rates = Rates()
    first = status("running", component(details={"files": [{"accepted_bytes": 1000}]}))
    second = status("running", component(details={"files": [{"accepted_bytes": 5000}]}))
    assert rates.after(first, 10.0) == {}
    assert rates.after(second, 10.5) == {}  # too short to tell
    assert rates.after(second, 12.0) == {"logs": 2000.0}
    assert rates.after(second, 50.0) == {"logs": 100.0}
    assert rates.after(second, 71.0) == {"logs": 0.0}
    assert rates.after(first, 72.0) == {}
    assert rates.after(second, 60.0) == {}  # the clock was set back


def test_ledger_of_files_beside_other_components(agent: Agent) -> None:
    """A component that follows no files has no rows among them, whatever its details are called."""
    agent.document = status("running", component(name="alerts", details={"topic": "ops", "sent": 3, "folded": 7}))
    agent.start()
    assert agent.run("status", "--files").out.splitlines()[-1].startswith("FILE")


def test_a_line_a_component(agent: Agent) -> None:
    """Each component says in one line how it is, what waits, how fast it goes and what it looks after."""
    clock = SystemClock()
    logs = component(
        backlog_count=0,
        backlog_bytes=242,
        last_success_at=rfc3339(clock.now()),
        details={"files": [{"accepted_bytes": 5 << 20}], "restarts": 0},
    )
    metrics = component(
        name="metrics",
        last_success_at=rfc3339(clock.now() - 3600),
        backlog_count=214,
        backlog_bytes=5000,
        details={"sources": {"apache": "it is down", "host": "ok"}, "data_per_minute": 83, "restarts": 1},
    )
    alerts = component(name="alerts", backlog_count=2, details={"topic": "arn:aws:sns:x:1:ops", "sent": 3, "folded": 7})
    agent.document = status("running", logs, metrics, alerts | {"last_success_at": None})
    store = Store.open(agent.folder / "state" / "state.db", HandClock(clock.now() - 10))
    earlier = component(name="metrics", details={"sources": {}, "data_per_minute": 83})
    store.save_snapshot(status("running", component(details={"files": [{"accepted_bytes": 0}]}), earlier))
    store.close()
    agent.start()
    rows = [re.split(r" {2,}", line.strip()) for line in agent.run("status").out.splitlines()[-3:]]
    assert [row[0] for row in rows] == ["logs", "metrics", "alerts"]
    assert rows[0][3] == "242 B"
    assert rows[0][4].endswith("KiB/s")
    assert rows[0][5] == "1 file"
    assert (rows[1][2], rows[1][3:]) == ("1h ago", ["214 data", "83 data/min", "restarted 1 time, 1 of 2 sources"])
    assert rows[2][2:] == ["never", "2 unsent", "—", "3 sent to ops"]


def test_no_rate_before_there_is_one(agent: Agent) -> None:
    """What nobody can tell yet, and what a daemon did that is down, is not shown as nothing."""
    unknown = component(name="metrics", details={"sources": {}, "data_per_minute": None})
    agent.document = status("running", component(), unknown)
    agent.start()
    assert [line.split()[-3:-2] for line in agent.run("status").out.splitlines()[-2:-1]] == [["—"]]
    assert "data/min" not in agent.run("status").out
    agent.stop()
    clock = SystemClock()
    store = Store.open(agent.folder / "state" / "state.db", clock)
    store.save_snapshot(status("running", component(name="metrics", details={"data_per_minute": 83})))
    store.close()
    assert "data/min" not in agent.run("status").out


def test_a_success_of_this_moment_is_just_now(agent: Agent) -> None:
    """Nobody is shown milliseconds."""
    agent.document = status("running", component(last_success_at=rfc3339(SystemClock().now() + 30)))
    agent.start()
    assert "just now" in agent.run("status").out


@pytest.mark.parametrize("interval", ["0s", "99ms"])
def test_watching_takes_a_pause(agent: Agent, interval: str) -> None:
    """An interval that would keep a core busy is a wrong use of the command, and told at once."""
    ended = agent.run("status", "--watch", "--interval", interval)
    assert (ended.code, ended.out) == (64, "")
    assert f"'{interval}' is less than 100ms" in ended.err
