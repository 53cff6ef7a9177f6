"""Deploys on a booted host: Debian's Apache and PHP-FPM serve the application, a target group sends it requests."""

from __future__ import annotations

import json
import os
import signal
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.host.ssm_text import NEW_AGENT, render
from tests.e2e.agent_on_host import UNIT, AgentOnHost
from tests.e2e.host.booted import DISK
from tests.integration.deploy.deploying import BUCKET, publish

if TYPE_CHECKING:
    import subprocess

    from sandbox.client import Sandbox
    from tests.e2e.host.booted import BootedHost
    from tests.e2e.web_server import WebServer

APP, INSTANCE, PEER, SITE, GROUP = "vawsum-web", "i-0e2e", "i-0peer", "app.vawsum.test", "web"
PATH = f"{DISK}/{APP}"
NOTES = f"{DISK}/notes"
"""Hooks, which are www-data's, write here what they find, and wait here for what is to come about."""

FIRST = "20260101T000000Z-0000000"
RECOVERY = "vawsum-agent-deploy-recover.service"
OWN_SERVICES = "vawsum-agent-deploy-2*.service"
DOCUMENT = Path(__file__).parents[2] / "packaging/ssm/Vawsum-Deploy.json"
SCRIPT = "/var/lib/amazon/ssm/i-0e2e/document/orchestration/0123/deploy/_script.sh"
SNIPPET = "/usr/share/vawsum-agent/etc/apache2/vawsum-release-proof.conf"

_SITE = f"""
<VirtualHost *:%d>
    ServerName {SITE}
    # As which a load balancer's probe asks.
    ServerAlias 127.0.0.1
    DocumentRoot {PATH}/current/public
    <Directory {PATH}>
        Require all granted
    </Directory>
    CustomLog ${{APACHE_LOG_DIR}}/{APP}-access.log combined
</VirtualHost>
"""
_NOTE = f"env | sort >{NOTES}/%s"
COPIES = "/var/lib/vawsum-agent-deploys"
"""Where the daemon, whose unit hides the application, sees what was deployed."""

NOTE_RELOAD = "/usr/local/bin/note-reload"
_WAIT = f"touch {NOTES}/waits; while [ -e {NOTES}/closed ]; do sleep 0.05; done"


def pages(waits_in: str = "") -> dict[str, str]:
    """A release; one of its hooks waits until it is let go on, and all of them tell what they find.

    Args:
        waits_in: a hook, which waits as long as there is `{NOTES}/closed`.
    """
    hooks = "".join(
        f"[hooks.{name}]\nrun = '{_NOTE % name}; {_WAIT if name == waits_in else ':'}'\n"
        for name in ("fetched", "drained", "switched", "healthy", "failed")
    )
    return {
        "public/index.php": "<?php echo basename(dirname(__DIR__));\n",
        "public/healthz": "ok\n",
        "deploy.toml": hooks,
    }


class DeployOnHost(AgentOnHost):
    """The daemon under systemd, the application beside it, and what root types."""

    def __init__(self, host: BootedHost, sandbox: Sandbox, web_server: WebServer) -> None:
        super().__init__(host, sandbox)
        self.port = web_server.port
        sandbox.create_bucket(BUCKET)

    def set_up(self) -> None:
        """Serve the first release, as a host does that nothing was deployed to; do what the documentation tells."""
        self.host.run(f"rm -rf {DISK}/*; install -d -o www-data {NOTES}; install -d {PATH}/shared")
        for name, text in pages().items():
            self.host.write(f"{PATH}/releases/{FIRST}/{name}", text)
        self.host.run(f"ln -s releases/{FIRST} {PATH}/current")
        self.host.write(f"/etc/apache2/sites-available/0-{APP}.conf", _SITE % self.port)
        self.host.run(
            f"cp {SNIPPET} /etc/apache2/conf-available/ && a2enmod --quiet alias proxy_fcgi setenvif &&"
            f" a2enconf --quiet php8.2-fpm vawsum-release-proof && a2ensite --quiet 0-{APP} && systemctl reload apache2"
        )
        self.sandbox.add_host(INSTANCE, port=self.port)
        self.sandbox.add_host(PEER, port=self.port)
        self.sandbox.add_target_group(
            GROUP,
            interval_s=0.2,
            healthy_threshold_count=2,
            health_path="/healthz",
            deregistration_delay_s=0,
        )
        self.sandbox.register_targets(GROUP, (INSTANCE, self.port), (PEER, self.port))
        self.sandbox.pin_target(GROUP, PEER, "healthy")
        self.sandbox.await_targets(GROUP, INSTANCE)
        self.host.write(NOTE_RELOAD, f"#!/bin/sh\n{_NOTE % 'reload'}\n", mode=0o755)
        self.configure(self.configuration())
        self.host.write(f"/etc/systemd/system/{RECOVERY}.d/test.conf", "\n".join(["[Service]", *self._variables()]))
        self.host.run(f"systemctl daemon-reload; systemctl enable --quiet {UNIT}")

    def tear_down(self) -> None:
        """Leave Apache as it was, and nothing that the next boot would recover."""
        self.host.run(
            f"systemctl kill --signal=KILL '{OWN_SERVICES}' {UNIT}; systemctl stop '{OWN_SERVICES}' {UNIT};"
            f" a2disconf --quiet vawsum-release-proof php8.2-fpm; a2dissite --quiet 0-{APP}; systemctl reload apache2;"
            f" rm -rf {DISK}/* {COPIES} /etc/systemd/system/{RECOVERY}.d {SCRIPT} {NOTE_RELOAD};"
            f" systemctl disable --quiet {UNIT}"
        )

    def configuration(self, more: str = "") -> str:
        """One application, whose proof is switched on; with more lines for ``[[deploy.app]]``."""
        url = f"http://127.0.0.1:{self.port}"
        return f"""
[agent]
role = "web"
environment = "test"
instance_id = "{INSTANCE}"
region = "ap-south-1"

[logs]
flush_interval = "200ms"
[[logs.source]]
name = "access"
paths = ["/var/log/apache2/{APP}-access.log"]
format = "apache-access"
log_group = "/vawsum/test/access"

[[deploy.app]]
name = "{APP}"
path = "{PATH}"
artifacts = "s3://{BUCKET}/web/"
health_url = "{url}/healthz"
health_host = "{SITE}"
proof_url = "{url}/.vawsum/release"
health_timeout = "10s"
drain_timeout = "20s"
reload = ["systemctl reload php8.2-fpm", "systemctl reload apache2", "{NOTE_RELOAD}"]
{more}
"""

    def publish(self, release: str, waits_in: str = "") -> str:
        """Publish a release; see `pages`."""
        publish(self.sandbox, release, pages(waits_in))
        self.host.run(f"rm -f {NOTES}/*; touch {NOTES}/closed")
        return release

    def let_go_on(self) -> None:
        """Let the hook that waits go on."""
        self.host.run(f"rm -f {NOTES}/closed")

    def await_hook(self) -> None:
        """Wait until a hook waits."""
        self.host.wait_for("a hook that waits", lambda: self.host.run(f"ls {NOTES}").stdout.count("waits") > 0)

    def noted(self, hook: str) -> dict[str, str]:
        """What a hook found in its environment."""
        lines = self.host.read(f"{NOTES}/{hook}").splitlines()
        return dict(line.split("=", 1) for line in lines)

    def by_ssm(self, release: str) -> subprocess.Popen[str]:
        """Carry out the document as SSM Agent does: a script, in a process group of its own, without HOME."""
        rendered = render(json.loads(DOCUMENT.read_text()), {"App": APP, "Release": release}, NEW_AGENT)
        (step,) = rendered.steps
        self.host.write(SCRIPT, "\n".join(step["inputs"]["runCommand"]) + "\n", mode=0o700)
        environment = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG": "en_US.UTF-8",
            "AWS_SSM_INSTANCE_ID": INSTANCE,
            "AWS_SSM_REGION_NAME": "ap-south-1",
        }
        return self.host.start(["sh", "-c", SCRIPT], {**environment, **self._aws(), **rendered.variables})

    def cancel(self, script: subprocess.Popen[str]) -> None:
        """End a script as SSM Agent does when its command is cancelled, takes too long, or the host goes down."""
        os.killpg(script.pid, signal.SIGKILL)
        script.communicate()

    def by_hand(self, release: str) -> dict[str, Any]:
        """Deploy as root does who types the command, and give its document."""
        aws = " ".join(f"{key}='{value}'" for key, value in self._aws().items())
        command = f"{aws} vawsum-agent deploy start --app {APP} --release {release} --json"
        told: dict[str, Any] = json.loads(self.host.run(command, timeout_s=90, check=False).stdout)
        return told

    def last(self) -> dict[str, Any]:
        """The latest deploy, as ``deploy history --json`` tells it; no AWS is needed for that."""
        told = self.host.run(f"vawsum-agent deploy history --app {APP} --last 1 --json").stdout
        (deploy,) = json.loads(told)["deploys"]
        return dict(deploy)

    def shown(self) -> dict[str, Any]:
        """What the daemon's ``status`` tells of deploys."""
        (part,) = (part for part in self.status()["components"] if part["name"] == "deploy")
        return dict(part)

    def log(self) -> str:
        """What the latest deploy said."""
        return self.host.run(f"cat $(ls {PATH}/.vawsum/deploys/*.log | tail -n 1)").stdout

    def await_end(self) -> dict[str, Any]:
        """Wait until the latest deploy has ended."""
        has_ended = f"""grep -q '"end":"' $(ls {PATH}/.vawsum/deploys/*.json | tail -n 1)"""
        self.host.wait_for("its end", lambda: self.host.run(has_ended, check=False).returncode == 0, timeout_s=60)
        return self.last()

    def service(self) -> str:
        """The service in which the deploy works; empty when there is none."""
        shown = self.host.run(f"systemctl list-units --plain --no-legend --all '{OWN_SERVICES}'").stdout.split()
        return shown[0] if shown else ""

    def current(self) -> str:
        """Which release `current` leads to."""
        return self.host.run(f"readlink {PATH}/current").stdout.strip().removeprefix("releases/")

    def answer(self) -> str:
        """Which release PHP answers with."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", "/index.php", headers={"Host": SITE})
        text = connection.getresponse().read().decode()
        connection.close()
        return text

    def expect_served(self, release: str) -> None:
        """PHP serves it, `current` names it, and the target group has this host as before."""
        assert (self.current(), self.answer()) == (release, release)
        self.sandbox.await_targets(GROUP, INSTANCE)
        places = sorted((row["instance_id"], row["port"]) for row in self.sandbox.targets(GROUP))
        assert places == [(INSTANCE, self.port), (PEER, self.port)]
        assert self.sandbox.violations() == []

    def _aws(self) -> dict[str, str]:
        return {key: value for key, value in self.sandbox.environment().items() if key.startswith("AWS_")}

    def _variables(self) -> list[str]:
        return [f'Environment="{key}={value}"' for key, value in self._aws().items()]
