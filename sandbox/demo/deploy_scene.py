"""Scene "deploys": releases come to three web hosts under traffic, and bad ones take themselves back. A minute.

What visitors got is told by their own books and by the balancer's; when a release was in service, by the journal.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.client import Sandbox
from sandbox.demo.agent import Agent
from sandbox.demo.deploy_host import APP, BUCKET, WINDOW_S, DeployHost, configuration
from sandbox.demo.deploy_releases import BROKEN, FAILING, FAILS_EACH, GOOD, WARM_COUNT, write_application
from sandbox.demo.deploy_verdict import DeployVerdict, Service
from sandbox.host.fleet import FIRST_RELEASE, open_fleet
from sandbox.host.steady_traffic import SteadyTraffic
from sandbox.host.web import can_be_real
from sandbox.servers import nginx_balancer
from sandbox.servers.process import open_directory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.demo.deploy_host import Command
    from sandbox.demo.narrator import Narrator

IAM = Path(__file__).parents[2] / "packaging/iam"
POLICIES = [IAM / "deploy.json", IAM / "release.json", IAM / "logs.json"]
GROUP = "web"
HOSTS_COUNT = 3
VISITS_PER_S = 90
DELAY_S = 1
LOOK_S = 3.0
START_S = 20.0
COMMAND_S = 60.0
WOULD_SHOW = (
    "a release is published from a folder and deployed on three hosts, one after another, under steady traffic",
    "one that can't pass its health check is taken back before it is in service, and no request has failed",
    "one that answers 500 once it is warm is taken back by the guard, and the visitors who met that are counted",
    "a host goes back to the release before by one command",
)


def missing() -> str:
    """Say what this scene would need and is not here; empty where it can be played."""
    needed = {"Apache and PHP-FPM": can_be_real(), "nginx": nginx_balancer.is_installed()}
    absent = [name for name, is_there in needed.items() if not is_there]
    return f"not installed here: {', '.join(absent)}" if absent else ""


def run(narrator: Narrator) -> bool:
    """Play the scene. Returns whether everything came out as promised; True where it says that it can't be played."""
    narrator.title("Deploys: releases come to three hosts under traffic, and bad ones take themselves back")
    absent = missing()
    if absent:
        narrator.see(f"SKIPPED: {absent}; run make setup as root. Nothing was shown of:")
        for line in WOULD_SHOW:
            narrator.see(f"    {line}")
        return True
    with ExitStack() as stack:
        directory = stack.enter_context(open_directory("vawsum-demo-"))
        sandbox = stack.enter_context(Sandbox.start(policy=POLICIES, seed=24))
        sandbox.create_bucket(BUCKET)
        fleet = stack.enter_context(open_fleet(sandbox, HOSTS_COUNT))
        rules = {"interval_s": 0.3, "healthy_threshold_count": 2, "health_path": "/healthz"}
        url = sandbox.add_target_group(GROUP, deregistration_delay_s=DELAY_S, **rules).url
        fleet.register(GROUP)
        hosts = [DeployHost(host, is_guarded=host is fleet.hosts[-1]) for host in fleet.hosts]
        for host in hosts:
            stack.callback(host.end)
        builder = Agent(directory / "builder", sandbox.environment())
        builder.config.write_text(configuration(builder, fleet.hosts[0]))
        traffic = stack.enter_context(SteadyTraffic(url, VISITS_PER_S, "/index.php"))
        return DeployScene(narrator, sandbox, hosts, builder, directory, traffic).play()


class DeployScene:
    """The acts of the scene, in order."""

    def __init__(
        self,
        narrator: Narrator,
        sandbox: Sandbox,
        hosts: Sequence[DeployHost],
        builder: Agent,
        directory: Path,
        traffic: SteadyTraffic,
    ) -> None:
        self._say = narrator
        self._sandbox = sandbox
        self._hosts = hosts
        self._guarded = hosts[-1]
        self._builder = builder
        self._directory = directory
        self._traffic = traffic
        self._running: Command | None = None
        self._releases: dict[str, str] = {}
        self._service: Service | None = None
        self._before = self._registered()

    def play(self) -> bool:
        """Play all acts and return whether the scene came out as promised."""
        acts = (
            self._begin,
            self._deploy_everywhere,
            self._deploy_what_is_broken,
            self._deploy_what_fails_when_warm,
            self._roll_back,
        )
        for act in acts:
            if not act():
                self._say.see(self._traffic.report)
                return False
        return self._end()

    def _begin(self) -> bool:
        names = ", ".join(host.name for host in self._hosts)
        self._say.see(f"hosts    {names}: each a real Apache and PHP-FPM, serving {FIRST_RELEASE}")
        self._say.see(f"service  the sandbox's load balancer (nginx), target group and S3; delay {DELAY_S} s")
        self._say.act(f"{VISITS_PER_S} visits a second; a daemon counts the requests of {self._guarded.name}")
        self._guarded.agent.start()
        is_up = self._say.wait(
            START_S, self._look, until=lambda: self._guarded.agent.component("logs").get("state") == "running"
        )
        return self._promise("the daemon reads the access log", holds=is_up)

    def _deploy_everywhere(self) -> bool:
        return self._publish("good", GOOD, "an application's folder becomes a release") and all(
            self._deploy(host, "good", "deployed: ") for host in self._hosts
        )

    def _deploy_what_is_broken(self) -> bool:
        return (
            self._publish("broken", BROKEN, "a release without its health check")
            and self._deploy(self._guarded, "broken", "TAKEN BACK: ")
            and self._promise(
                f"failed requests so far: {len(self._traffic.failures)} of {self._traffic.count:,}",
                holds=not self._traffic.failures,
            )
        )

    def _deploy_what_fails_when_warm(self) -> bool:
        what = f"a release that answers 500 to one request in {FAILS_EACH} after the first {WARM_COUNT}"
        if not self._publish("failing", FAILING, what) or not self._deploy(self._guarded, "failing", "TAKEN BACK: "):
            return False
        at = self._guarded.moments(self._releases["failing"])
        if not {("return", "begun"), ("guard", "begun"), ("guard", "failed"), ("drain again", "done")} <= at.keys():
            return self._promise("its journal tells that the guard took it back", holds=False)
        self._service = Service(at["return", "begun"], at["drain again", "done"])
        watched_s = at["guard", "failed"] - at["guard", "begun"]
        return self._promise(
            f"the guard took it back after {watched_s:.1f} s; its window is {WINDOW_S} s",
            holds=watched_s < WINDOW_S + LOOK_S,
        )

    def _roll_back(self) -> bool:
        self._say.act(f"{self._hosts[0].name} goes back to what it served before")
        if not self._command(self._hosts[0], "deploy", "rollback", "--app", APP, begins="deployed: "):
            return False
        return self._command(self._guarded, "deploy", "history", "--app", APP, begins=f"{APP}: ")

    def _end(self) -> bool:
        served = f"{self._hosts[0].name} {FIRST_RELEASE}"
        before = self._traffic.seen[served]
        self._say.wait(START_S, self._look, until=lambda: self._traffic.seen[served] > before)
        self._traffic.stop()
        exit_code = self._guarded.agent.stop()
        host = self._guarded.host
        verdict = DeployVerdict(
            hosts=[one.name for one in self._hosts],
            first=FIRST_RELEASE,
            guarded=self._guarded.name,
            upstream=f"127.0.0.1:{host.port}",
            service=self._service,
            seen=self._traffic.seen,
            failures=self._traffic.failures,
            balanced=self._sandbox.balancer_log(GROUP),
            before=self._before,
            after=self._registered(),
            violations=len(self._sandbox.violations()),
            **self._releases,
        )
        self._say.table(verdict.headings, verdict.rows())
        promises = {**verdict.promises(), f"the daemon's exit code: {exit_code}": exit_code == 0}
        kept = [self._promise(text, holds=holds) for text, holds in promises.items()]
        if not all(kept):
            self._say.see(self._traffic.report)
        return all(kept)

    def _publish(self, role: str, pages: Mapping[str, str], what: str) -> bool:
        folder = self._directory / role
        write_application(folder, pages)
        self._say.act(f"On the build host, {what}: `vawsum-agent release publish --app {APP} --from {role}`")
        code, text = self._builder.command("release", "publish", "--app", APP, "--from", str(folder))
        self._releases[role] = text.strip()
        return self._promise(f"published: {text.strip() or f'exit code {code}'}", holds=code == 0)

    def _deploy(self, host: DeployHost, role: str, begins: str) -> bool:
        return self._command(
            host, "deploy", "start", "--app", APP, "--release", self._releases[role], begins=begins
        ) and self._promise(f"{host.name} is in service as before", holds=self._registered() == self._before)

    def _command(self, host: DeployHost, *arguments: str, begins: str) -> bool:
        """Run a command while the live line tells how it goes; show what it printed."""
        began = time.monotonic()
        self._running = host.begin(*arguments)
        is_over = self._say.wait(COMMAND_S, self._look, until=lambda: bool(self._running and self._running.is_over))
        if not is_over:
            return self._promise(f"vawsum-agent {' '.join(arguments)}: not over in {COMMAND_S:.0f} s", holds=False)
        code, printed = self._running.result()
        said, self._running = self._running.last_line, None
        took_s = time.monotonic() - began
        self._say.see(f"{host.name}: vawsum-agent {' '.join(arguments)}  (exit code {code}, {took_s:.1f} s)")
        for line in (printed or said).splitlines():
            self._say.see(f"    {line}")
        is_as_expected = printed.startswith(begins) and code == (1 if begins.startswith("TAKEN BACK") else 0)
        return is_as_expected or self._promise(f"it begins with {begins!r}", holds=False)

    def _promise(self, text: str, *, holds: bool) -> bool:
        (self._say.good if holds else self._say.bad)(text)
        return holds

    def _registered(self) -> list[tuple[str, int, str]]:
        return sorted((row["instance_id"], row["port"], row["state"]) for row in self._sandbox.targets(GROUP))

    def _look(self) -> str:
        """Return one line: what visitors got, and what the command that runs is at."""
        at = self._running.last_line if self._running else ""
        failed = len(self._traffic.failures)
        return f"{self._traffic.count:,} requests, {failed} failed   {at}"
