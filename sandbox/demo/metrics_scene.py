"""Scene "metrics": a host is measured and people are told, while much of it fails. Under two minutes."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.client import Sandbox
from sandbox.demo.agent import Agent
from sandbox.demo.metrics_verdict import (
    LEDGER_HEADINGS,
    REQUEST_HEADINGS,
    VALUE_HEADINGS,
    MetricsVerdict,
    distribution,
    read_ledger,
    read_log,
    read_metrics,
)
from sandbox.host import Traffic, open_host, written_entries
from sandbox.proof import find_ids
from sandbox.servers.process import open_directory

if TYPE_CHECKING:
    from sandbox.demo.narrator import Narrator
    from sandbox.host import WebHost
    from sandbox.records import MetricDatum

POLICIES = [Path(__file__).parents[2] / "packaging/iam" / f"{name}.json" for name in ("logs", "metrics", "alerts")]
TOPIC = "arn:aws:sns:ap-south-1:123456789012:vawsum-ops"
GROUP = "vawsum-web"
INSTANCE = "i-0a1b2c3d4e5f000ff"
"""A host publishes at a moment of the minute that its id decides; this one's comes as soon as a minute is settled."""

VISITS_PER_S = 40
START_S = 20.0
AWAY_AT_S = 4.0
"""Second of the minute at which CloudWatch goes away: before the minute that ended is published."""

AWAY_S = 15.0
NOTIFIED_S = 110.0
BACK_S = 40.0
SETTLED_S = 20.0
LEEWAY_S = 5
"""A minute in which the daemon ran for less need not have a heartbeat."""

SHOWN = ("cpu_usage_idle", "mem_used_percent", "apache_workers_busy", "php_fpm_processes_active", "php_fpm_up")
LAST_WORDS_LINES = 12
LAST_WORDS_WIDTH = 400


def run(narrator: Narrator) -> bool:
    """Play the scene. Returns whether everything came out as promised."""
    narrator.title("Metrics and notifications: what a host measures, and who is told")
    with ExitStack() as stack:
        directory = stack.enter_context(open_directory("vawsum-demo-"))
        sandbox = stack.enter_context(Sandbox.start(policy=POLICIES, seed=21))
        sandbox.metadata(
            {"meta-data/instance-id": INSTANCE, "meta-data/tags/instance/aws:autoscaling:groupName": GROUP}
        )
        host = stack.enter_context(open_host(directory / "host"))
        agent = Agent(directory / "agent", sandbox.environment())
        stack.callback(agent.kill)
        traffic = Traffic(host, VISITS_PER_S)
        stack.callback(traffic.stop)
        return MetricsScene(narrator, sandbox, host, agent, traffic).play()


def configuration(agent: Agent, host: WebHost) -> str:
    """Return the `agent.toml` of the scene."""
    access = next(log for log in host.logs if log.name == "apache-access")
    return f"""[agent]
role = "web"
environment = "demo"
state_dir = "{agent.state_dir}"
runtime_dir = "{agent.runtime_dir}"

[logs]
flush_interval = "1s"
[[logs.source]]
name = "apache-access"
paths = ["{access.path}"]
format = "apache-access"

[metrics]
sample_interval = "1s"
[metrics.apache]
status_url = "{host.status_urls["apache"]}"
[metrics.php_fpm]
status_url = "{host.status_urls["php_fpm"]}"

[notify]
sns_topic_arn = "{TOPIC}"
"""


class MetricsScene:
    """The acts of the scene, in order."""

    def __init__(self, narrator: Narrator, sandbox: Sandbox, host: WebHost, agent: Agent, traffic: Traffic) -> None:
        self._say = narrator
        self._sandbox = sandbox
        self._host = host
        self._agent = agent
        self._traffic = traffic
        self._ran_from = 0.0

    def play(self) -> bool:
        """Play all acts and return whether the scene came out as promised."""
        acts = (self._begin, self._kill_and_restart, self._stop_php, self._take_cloudwatch_away, self._await_message)
        for act in acts:
            if not act():
                self._say.see(f"the daemon's last words:\n{self._last_words()}")
                return False
        is_well = self._start_php()
        return self._end(is_well=is_well)

    def _begin(self) -> bool:
        self._say.see(f"host     {self._host.description}")
        self._say.see(f"service  the sandbox's CloudWatch and SNS, under {', '.join(path.name for path in POLICIES)}")
        self._agent.config.write_text(configuration(self._agent, self._host))
        self._traffic.start()
        self._agent.start()
        self._say.act(f"The daemon starts (pid {self._agent.pid}), a sample a second; {VISITS_PER_S} visits a second")
        is_up = self._say.wait(START_S, self._look, until=lambda: self._is_in("running") and self._sandbox.count() > 0)
        self._ran_from = time.time()
        if not is_up:
            self._say.bad(f"metrics and logs did not run within {START_S:.0f} s")
            return False
        self._say.wait(1.5, self._look)
        self._ask_status()
        return True

    def _kill_and_restart(self) -> bool:
        self._say.act("kill -9; a new daemon starts a second later")
        self._agent.kill()
        self._say.wait(1, self._look)
        self._agent.start()
        return self._expect("the new daemon samples", START_S, "running")

    def _stop_php(self) -> bool:
        self._say.act("PHP-FPM stops: whoever wants PHP gets a 503")
        self._host.stop_php()
        if not self._expect("metrics is degraded, everything else is still measured", START_S, "degraded"):
            return False
        metrics = self._agent.component("metrics")
        self._say.see(f"    {metrics['last_error']}")
        self._say.see(f"    what to do: {metrics['hint']}")
        return True

    def _take_cloudwatch_away(self) -> bool:
        self._say.see("The next act waits for the end of the minute, when its metrics are due")
        self._say.wait((AWAY_AT_S - time.time()) % 60, self._look)
        self._say.act(f"CloudWatch answers 503 to metrics for {AWAY_S:.0f} s")
        self._sandbox.fault("unavailable", operation="PutMetricData", for_s=AWAY_S)
        self._say.wait(AWAY_S, self._look)
        waiting = read_ledger(self._agent.component("metrics")).waiting
        if not waiting:
            self._say.bad("nothing had to wait meanwhile")
            return False
        self._say.see(f"{waiting:,} data wait in the spool; CloudWatch is back")
        is_empty = self._say.wait(BACK_S, self._look, until=self._is_spool_empty)
        (self._say.good if is_empty else self._say.bad)("what waited was published under its own minute")
        return is_empty

    def _await_message(self) -> bool:
        self._say.see("What is degraded for a minute is told to people; a look every 15 seconds")
        if not self._say.wait(NOTIFIED_S, self._look, until=lambda: bool(self._sandbox.notifications())):
            self._say.bad(f"no notification came within {NOTIFIED_S:.0f} s")
            return False
        message = self._sandbox.notifications()[0]
        self._say.good("a notification came; of several troubles it names what matters most")
        lines = [line for line in message.message.splitlines() if line]
        for line in (f"Subject: {message.subject}", *lines[:4]):
            self._say.see(f"    {line}")
        return True

    def _start_php(self) -> bool:
        self._say.act("PHP-FPM starts again")
        self._host.start_php()
        is_well = self._expect("metrics is running", START_S, "running")
        self._say.see("(the message that all is well follows after a minute; the demo does not wait for it)")
        return is_well

    def _end(self, *, is_well: bool) -> bool:
        self._say.act("The traffic ends; vawsum-agent drain")
        self._traffic.stop()
        # Apache writes a line when its answer is already on the way.
        self._say.wait(1, self._look)
        drained, text = self._agent.command("drain")
        self._say.see(f"exit code {drained}: {' '.join(text.split())}")
        ran_to = time.time()
        stopped = self._agent.stop()
        promises = {
            "metrics was well again once PHP-FPM was": is_well,
            f"exit codes of drain and of the daemon: {drained}, {stopped}": drained == stopped == 0,
            **self._judge(ran_to),
        }
        for promise, holds in promises.items():
            (self._say.good if holds else self._say.bad)(promise)
        if not all(promises.values()):
            self._say.see(f"the daemon's last words:\n{self._last_words()}")
        return all(promises.values())

    def _judge(self, ran_to: float) -> dict[str, bool]:
        """Compare, show the tables, and return what holds."""
        entries = written_entries(next(log for log in self._host.logs if log.name == "apache-access"))
        logged = {key for entry in entries for key in find_ids(entry)}
        rows = self._sandbox.metric_data()
        own = [row for row in rows if row.dimensions.items() >= _HOST.items()]
        of_group = [row for row in rows if row.dimensions == _GROUP_ALONE]
        ledger = read_ledger(self._last_known("metrics"))
        twice = len(own) - ledger.accepted
        verdict = MetricsVerdict(
            written=read_log(entries),
            told=read_metrics(own, twice),
            told_of_group=read_metrics(of_group, twice),
            ledger=ledger,
            stored=len(own),
            stored_of_group=len(of_group),
            minutes_due=frozenset(range(int(self._ran_from + LEEWAY_S) // 60, int(ran_to - LEEWAY_S) // 60 + 1)),
            minutes_beaten=frozenset(row.timestamp_ms // 60_000 for row in own if row.name == "vawsum_heartbeat"),
            subjects=[message.subject for message in self._sandbox.notifications()],
            unlogged=len(set(self._traffic.served) - logged),
            violations=len(self._sandbox.violations()),
        )
        self._say.table(VALUE_HEADINGS, [_value_row(own, name) for name in SHOWN])
        self._say.table(LEDGER_HEADINGS, verdict.ledger_rows())
        self._say.table(REQUEST_HEADINGS, verdict.request_rows())
        return verdict.promises()

    def _expect(self, promise: str, limit_s: float, state: str) -> bool:
        """Wait until metrics is in a state, and say whether it came to be."""
        holds = self._say.wait(limit_s, self._look, until=lambda: self._is_in(state))
        (self._say.good if holds else self._say.bad)(promise)
        return holds

    def _is_in(self, state: str) -> bool:
        """Whether metrics is in a state, by a look that was really taken."""
        metrics = self._agent.component("metrics")
        return metrics.get("state") == state and metrics["details"]["last_round_at"] is not None

    def _is_spool_empty(self) -> bool:
        return self._agent.component("metrics").get("backlog_count") == 0

    def _look(self) -> str:
        """Return one line: what was served, what arrived, what the daemon says of itself."""
        metrics = self._agent.component("metrics")
        state = metrics.get("state") or ("starting" if self._agent.is_running else "not running")
        waiting = read_ledger(metrics).waiting
        arrived = self._sandbox.requests()["figures"].get("metric_data_accepted", 0)
        parts = [f"{len(self._traffic.served):,} visits", f"{arrived:,} metric data arrived", f"metrics {state}"]
        return "   ".join(parts + ([f"{waiting:,} data wait"] if waiting else []))

    def _ask_status(self) -> None:
        code, text = self._agent.command("status")
        self._say.see(f"vawsum-agent status  (exit code {code})")
        for line in text.splitlines():
            if line.strip():
                self._say.see(f"    {line.rstrip()}")

    def _last_known(self, name: str) -> dict[str, Any]:
        """Return a component's part of the status that the daemon wrote down when it stopped."""
        _, text = self._agent.command("status", "--json")
        rows: list[dict[str, Any]] = json.loads(text)["components"]
        return next((row for row in rows if row["name"] == name), {})

    def _last_words(self) -> str:
        lines = self._agent.output.read_text(errors="replace").splitlines() if self._agent.output.exists() else []
        return "\n".join(line[:LAST_WORDS_WIDTH] for line in lines[-LAST_WORDS_LINES:])


_GROUP_ALONE = {"AutoScalingGroupName": GROUP}
_HOST = {"InstanceId": INSTANCE, **_GROUP_ALONE}


def _value_row(rows: list[MetricDatum], name: str) -> tuple[str, ...]:
    return distribution(row for row in rows if row.name == name).row(name)
