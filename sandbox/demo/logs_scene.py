"""Scene "logs": a web host's logs go to CloudWatch while daemon, files and service break. About a minute."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.client import Sandbox
from sandbox.demo.agent import Agent
from sandbox.demo.verdict import HEADINGS, Ledger, Verdict, judge, read_ledger, written_texts
from sandbox.host import SETTLE_S, Rotation, Traffic, open_host
from sandbox.servers.process import open_directory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.demo.narrator import Narrator
    from sandbox.host import LogFile, WebHost

POLICY = Path(__file__).parents[2] / "packaging/iam/logs.json"
VISITS_PER_S = 120
ROUGH_S = 9.0
OUTAGE_S = 11.0
CATCH_UP_S = 60.0
START_S = 20.0
VISIBILITY_S = 2.0
LAST_WORDS_LINES = 12
LAST_WORDS_WIDTH = 400


def run(narrator: Narrator) -> bool:
    """Play the scene. Returns whether everything arrived exactly once."""
    narrator.title("Logs: from the files of a web host to CloudWatch, whatever breaks")
    with ExitStack() as stack:
        directory = stack.enter_context(open_directory("vawsum-demo-"))
        sandbox = stack.enter_context(Sandbox.start(policy=POLICY, seed=20))
        sandbox.settings(visibility_delay_s=VISIBILITY_S)
        host = stack.enter_context(open_host(directory / "host"))
        agent = Agent(directory / "agent", sandbox.environment())
        stack.callback(agent.kill)
        traffic = Traffic(host, VISITS_PER_S)
        stack.callback(traffic.stop)
        return LogsScene(narrator, sandbox, host, agent, traffic, directory).play()


def groups_of(logs: Sequence[LogFile]) -> dict[str, str]:
    """Return the log group of each log."""
    return {log.name: f"/vawsum/demo/{log.name}" for log in logs}


def configuration(agent: Agent, logs: Sequence[LogFile]) -> str:
    """Return the `agent.toml` of the scene."""
    sources = [
        f'[[logs.source]]\nname = "{name}"\npaths = ["{path}"]\nformat = "{name}"\nlog_group = "{group}"\n'
        for (name, group), path in zip(groups_of(logs).items(), (log.path for log in logs), strict=True)
    ]
    head = (
        f'[agent]\nrole = "web"\nenvironment = "demo"\nstate_dir = "{agent.state_dir}"\n'
        f'runtime_dir = "{agent.runtime_dir}"\n\n[logs]\nflush_interval = "1s"\n'
    )
    return "\n".join([head, *sources])


class LogsScene:
    """The acts of the scene, in order."""

    def __init__(
        self, narrator: Narrator, sandbox: Sandbox, host: WebHost, agent: Agent, traffic: Traffic, directory: Path
    ) -> None:
        self._say = narrator
        self._sandbox = sandbox
        self._host = host
        self._agent = agent
        self._traffic = traffic
        self._rotation = Rotation(directory / "rotation", host)

    def play(self) -> bool:
        """Play all acts and return whether the scene came out as promised."""
        if not self._begin():
            return False
        self._kill_and_restart()
        self._rotate()
        self._rough_service()
        self._outage()
        self._rotate_while_stopped()
        return self._end()

    def _begin(self) -> bool:
        self._say.see(f"host     {self._host.description}, rotated by {self._rotation.description}")
        self._say.see(f"service  the sandbox's CloudWatch Logs: strict, slow to show events, under {POLICY.name}")
        self._agent.config.write_text(configuration(self._agent, self._host.logs))
        self._traffic.start()
        self._agent.start()
        self._say.act(f"The daemon starts (pid {self._agent.pid}); {VISITS_PER_S} visits a second come in")
        is_up = self._say.wait(START_S, self._look, until=lambda: self._sandbox.count() > 0)
        if not is_up:
            self._say.bad(f"nothing arrived within {START_S:.0f} s; the daemon said:\n{self._last_words()}")
            return False
        self._say.wait(4, self._look)
        self._ask_status()
        return True

    def _kill_and_restart(self) -> None:
        self._say.act("kill -9 while it sends; a new one starts two seconds later")
        # The answer to a batch in flight is lost with the process: whether it was accepted, only the service knows.
        self._sandbox.fault("latency", operation="PutLogEvents", latency_s=0.5, for_s=3)
        self._say.wait(1.2, self._look)
        self._agent.kill()
        self._say.wait(2, self._look)
        self._agent.start()
        self._say.wait(5, self._look)

    def _rotate(self) -> None:
        self._say.act(f"{self._rotation.description} renames every log under the writers' hands")
        self._rotation.run()
        self._say.wait(3, self._look)

    def _rough_service(self) -> None:
        self._say.act("The service gets rough: 20 % throttled, 10 % answer 503, 15 % are accepted and then cut off")
        rules = [
            self._sandbox.fault("throttle", operation="PutLogEvents", rate=0.20),
            self._sandbox.fault("unavailable", operation="PutLogEvents", rate=0.10),
            self._sandbox.fault("reset_after", operation="PutLogEvents", rate=0.15),
            # However the dice fall, one answer is surely lost after accepting.
            self._sandbox.fault("reset_after", operation="PutLogEvents", count=1),
        ]
        self._say.wait(ROUGH_S, self._look)
        self._ask_status()
        for rule in rules:
            self._sandbox.calm(rule)

    def _outage(self) -> None:
        self._say.act(
            f"CloudWatch is away for {OUTAGE_S:.0f} s: connections are refused; meanwhile the logs rotate again"
        )
        self._sandbox.outage(OUTAGE_S)
        self._say.wait(OUTAGE_S / 2, self._look)
        self._rotation.run()
        self._ask_status()
        self._say.wait(OUTAGE_S / 2 + 3, self._look)

    def _rotate_while_stopped(self) -> None:
        self._say.act("The daemon is stopped; meanwhile the logs rotate twice, so that the unread rest is inside a .gz")
        code = self._agent.stop()
        self._say.see(f"it stopped with exit code {code}")
        for _ in range(2):
            self._say.wait(SETTLE_S, self._look)
            self._rotation.run()
        self._agent.start()
        self._say.wait(4, self._look)

    def _end(self) -> bool:
        self._say.act("The traffic ends; the daemon catches up")
        self._traffic.stop()
        # Apache writes a line when its answer is already on the way.
        self._say.wait(1, self._look)
        has_arrived = self._say.wait(CATCH_UP_S, self._look, until=self._has_all_arrived)
        self._ask_status()
        ledger = read_ledger(self._agent.component("logs"), self._host.logs)
        code = self._agent.stop()
        verdict = judge(self._sandbox, self._host.logs, groups_of(self._host.logs), self._traffic.served)
        return self._tell(verdict, ledger, code, has_arrived=has_arrived)

    def _has_all_arrived(self) -> bool:
        logs, groups = self._host.logs, groups_of(self._host.logs)
        if any(self._sandbox.count(groups[log.name]) < len(written_texts(log)) for log in logs):
            return False
        return self._agent.component("logs").get("backlog_bytes") == 0

    def _tell(self, verdict: Verdict, ledger: Ledger, code: int, *, has_arrived: bool) -> bool:
        self._say.table(HEADINGS, verdict.rows())
        faults = self._sandbox.requests()["operations"].get("PutLogEvents", {})
        self._say.see("PutLogEvents: " + ", ".join(f"{count} {outcome}" for outcome, count in faults.items()))
        promises = {
            "every entry in the files arrived, once and whole": verdict.is_clean,
            f"violations of the service's rules: {verdict.violations}": verdict.violations == 0,
            f"visits served that stand in no file: {verdict.unlogged}": verdict.unlogged == 0,
            str(ledger): ledger.is_balanced,
            "status told an empty backlog before the daemon stopped": has_arrived,
            f"the daemon's last exit code: {code}": code == 0,
        }
        for text, holds in promises.items():
            (self._say.good if holds else self._say.bad)(text)
        if not all(promises.values()):
            self._say.see(f"the daemon's last words:\n{self._last_words()}")
        return all(promises.values())

    def _look(self) -> str:
        """Return one line: what was written, what arrived, what the daemon says of itself."""
        logs = self._agent.component("logs")
        state = logs.get("state") or ("starting" if self._agent.is_running else "not running")
        backlog = f", backlog {logs['backlog_bytes']:,} bytes" if "backlog_bytes" in logs else ""
        visits, events = len(self._traffic.served), self._sandbox.count()
        return f"{visits:,} visits   {events:,} events arrived   daemon {state}{backlog}"

    def _ask_status(self) -> None:
        code, text = self._agent.command("status")
        self._say.see(f"vawsum-agent status  (exit code {code})")
        for line in text.strip().splitlines():
            self._say.see(f"    {line}")

    def _last_words(self) -> str:
        lines = self._agent.output.read_text(errors="replace").splitlines() if self._agent.output.exists() else []
        return "\n".join(line[:LAST_WORDS_WIDTH] for line in lines[-LAST_WORDS_LINES:])
