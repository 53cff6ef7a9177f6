"""Scene "backup": a database is backed up while it is written to, is lost in part and whole, and comes back.

Every restore is proven by the server's own dump program: what it writes of the database before and after is the same.
"""

from __future__ import annotations

import json
import shutil
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.client import Sandbox
from sandbox.demo.agent import Agent
from sandbox.demo.backup_verdict import (
    Fingerprint,
    count_rows,
    read_grants,
    read_paid,
    take_fingerprint,
)
from sandbox.host.payments import Payments
from sandbox.host.school import DATABASE, SMALL_TABLE, make_school
from sandbox.servers.mariadb import MariaDb
from sandbox.servers.process import open_directory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.demo.narrator import Narrator

POLICY = Path(__file__).parents[2] / "packaging/iam/backup.json"
BUCKET = "vawsum-backups"
PREFIX = "mysql/"
SERVER = "demo-db"
MEGABYTES = 12
PAYMENTS_PER_S = 50
ACCOUNT = "'teacher'@'%'"
OPTIONS = ("log_bin = binlog", "server_id = 1", "slow_query_log = OFF", "innodb_buffer_pool_size = 128M")
START_S = 20.0
LAST_WORDS_LINES = 12
PROGRAMS = ("mariadbd", "mariadb-install-db", "mariadb", "mariadb-dump")
WHERE = "/usr/sbin:/usr/bin:/sbin:/bin"
WOULD_SHOW = (
    "a school's database is backed up to S3 while fees are paid, and the copy holds each payment whole or not at all",
    "one table is dropped and restored alone, by the bytes of that table, with its trigger",
    "database and account are dropped and restored, and mariadb-dump writes the same as before, byte by byte",
    "a drill restores the backup into a scratch server of its own and measures how long that takes",
)


def missing() -> str:
    """Say what this scene would need and is not here; empty where it can be played."""
    absent = [name for name in PROGRAMS if shutil.which(name, path=WHERE) is None]
    return f"MariaDB is not installed here (no {', '.join(absent)})" if absent else ""


def run(narrator: Narrator) -> bool:
    """Play the scene. Returns whether everything came out as promised; True where it says that it can't be played."""
    narrator.title("Backup: a database is lost and comes back, one table alone and all of it")
    absent = missing()
    if absent:
        narrator.see(f"SKIPPED: {absent}; install mariadb-server, or run make setup as root. Nothing was shown of:")
        for line in WOULD_SHOW:
            narrator.see(f"    {line}")
        return True
    with ExitStack() as stack:
        directory = stack.enter_context(open_directory("vawsum-demo-"))
        sandbox = stack.enter_context(Sandbox.start(policy=POLICY, seed=23))
        sandbox.create_bucket(BUCKET)
        server = stack.enter_context(MariaDb(directory / "mariadb", options=OPTIONS))
        server.execute(make_school(MEGABYTES))
        server.execute(
            f"CREATE USER {ACCOUNT} IDENTIFIED BY 'chalk'; GRANT SELECT, UPDATE ON {DATABASE}.marks TO {ACCOUNT}"
        )
        agent = Agent(directory / "agent", sandbox.environment())
        stack.callback(agent.kill)
        agent.config.write_text(configuration(agent, server))
        payments = Payments(server, PAYMENTS_PER_S)
        stack.callback(payments.stop)
        return BackupScene(narrator, sandbox, server, agent, payments).play()


def configuration(agent: Agent, server: MariaDb) -> str:
    """Return the `agent.toml` of the scene."""
    return f"""[agent]
role = "db"
environment = "demo"
state_dir = "{agent.state_dir}"
runtime_dir = "{agent.runtime_dir}"

[backup]
bucket = "{BUCKET}"
prefix = "{PREFIX}"
server = "{SERVER}"
schedule = "0 0 * * *"
timezone = "Asia/Kolkata"
defaults_file = "{server.option_file}"
[backup.drill]
schedule = "0 4 * * sun"
"""


class BackupScene:
    """The acts of the scene, in order."""

    def __init__(self, narrator: Narrator, sandbox: Sandbox, server: MariaDb, agent: Agent, payments: Payments) -> None:
        self._say = narrator
        self._sandbox = sandbox
        self._server = server
        self._agent = agent
        self._payments = payments
        self._into = ("--into", str(server.option_file))
        self._under_writes = ""
        self._paid_range = (0, 0)
        self._before = Fingerprint(0, "")

    def play(self) -> bool:
        """Play all acts and return whether the scene came out as promised."""
        acts = (
            self._begin,
            self._back_up_under_writes,
            self._back_up_what_is_compared,
            self._lose_a_table,
            self._lose_everything,
            self._restore_the_first,
            self._drill,
        )
        for act in acts:
            if not act():
                self._say.see(f"the daemon's last words:\n{self._last_words()}")
                return False
        return self._end()

    def _begin(self) -> bool:
        version = self._server.execute("SELECT VERSION()").strip()
        self._say.see(f"server   MariaDB {version}, database {DATABASE}")
        self._say.see(f"service  the sandbox's S3 under {POLICY.name}")
        self._payments.start()
        self._agent.start()
        self._say.act(
            f"The daemon starts (pid {self._agent.pid}); its schedule says midnight. Meanwhile fees are paid, "
            f"up to {PAYMENTS_PER_S} a second, each in one transaction over three tables"
        )
        is_up = self._say.wait(
            START_S, self._look, until=lambda: self._component().get("state") in {"running", "degraded"}
        )
        return self._promise("the daemon watches the backups' age", holds=is_up)

    def _back_up_under_writes(self) -> bool:
        self._say.act("Nobody waits for midnight: `vawsum-agent backup run`, while fees are paid")
        before = self._payments.committed
        if not self._command("backup", "run"):
            return False
        after = self._payments.committed
        backups = self._listed()
        if len(backups) != 1:
            return self._promise(f"one backup is listed: {len(backups)}", holds=False)
        self._under_writes = backups[0]["backup_id"]
        names = {item.key.rpartition("/")[2] for item in self._sandbox.objects(BUCKET, f"{PREFIX}{SERVER}/20")}
        self._paid_range = (before, after)
        return self._promise(
            f"dump, accounts and manifest are in the bucket, read back and verified: {', '.join(sorted(names))}",
            holds={"dump.sql.zst", "grants.sql.zst", "manifest.json"} <= names and backups[0]["is_verified"],
        ) and self._promise(f"fees paid meanwhile: {after - before}", holds=after > before)

    def _back_up_what_is_compared(self) -> bool:
        self._payments.stop()
        if self._payments.failure:
            return self._promise(f"the payments: {self._payments.failure}", holds=False)
        self._say.act(f"The school closes after {self._payments.committed:,} payments; one more backup")
        self._before = take_fingerprint(self._server)
        self._say.see(f"what mariadb-dump writes now: {self._before}")
        return self._command("backup", "run") and self._command("backup", "list", is_shown=True)

    def _lose_a_table(self) -> bool:
        rows = count_rows(self._server, SMALL_TABLE)
        self._server.execute(f"DROP TABLE {DATABASE}.{SMALL_TABLE}")
        self._say.act(f"DROP TABLE {SMALL_TABLE}, with {rows:,} rows and a trigger; it alone is restored")
        if count_rows(self._server, SMALL_TABLE) != -1:
            return self._promise("the table is gone", holds=False)
        table = f"{DATABASE}.{SMALL_TABLE}"
        if not self._command("backup", "restore", "--table", table, *self._into, "--force", is_shown=True):
            return False
        return self._is_as_before(f"{SMALL_TABLE} is back, all else is untouched")

    def _lose_everything(self) -> bool:
        grants = read_grants(self._server, ACCOUNT)
        self._server.execute(f"DROP DATABASE {DATABASE}; DROP USER {ACCOUNT}")
        self._say.act(f"DROP DATABASE {DATABASE}; DROP USER {ACCOUNT}; everything is restored, two tables at a time")
        if not self._command("backup", "restore", "--jobs", "2", *self._into, is_shown=True):
            return False
        is_same = bool(grants) and read_grants(self._server, ACCOUNT) == grants
        return self._is_as_before("the database is back") and self._promise(
            f"{ACCOUNT} is back, with its password and what it may", holds=is_same
        )

    def _restore_the_first(self) -> bool:
        self._say.act("Over it, the first backup, which was taken while fees were paid")
        command = ("backup", "restore", "--backup", self._under_writes, *self._into, "--force")
        if not self._command(*command):
            return False
        paid, (before, after) = read_paid(self._server), self._paid_range
        return self._promise(
            f"it holds {paid.fees} payments by {SMALL_TABLE} and {paid.messages} by messages, "
            f"₹{paid.sum_of_fees:,} added up and ₹{paid.total:,} by the running total: none in part",
            holds=paid.is_consistent,
        ) and self._promise(
            f"all that were paid before it began, and none from after its end: {before} ≤ {paid.fees} ≤ {after}",
            holds=before <= paid.fees <= after,
        )

    def _drill(self) -> bool:
        self._say.act(
            "A drill, as on Sundays: the latest backup into a scratch server of its own, and everything counted"
        )
        now = take_fingerprint(self._server)
        if not self._command("backup", "drill", is_shown=True):
            return False
        latest = self._listed()[-1]
        return (
            self._promise(
                f"the backup is proven to restore, in {latest['restore_s']} s", holds=bool(latest["is_drilled"])
            )
            and self._promise("the server itself was not touched", holds=take_fingerprint(self._server) == now)
            and self._promise("nothing of the scratch server is left", holds=not self._scratch())
        )

    def _end(self) -> bool:
        is_told = self._say.wait(START_S, self._look, until=lambda: self._component().get("details", {}).get("rto_s"))
        code, text = self._agent.command("status")
        self._say.see(f"vawsum-agent status  (exit code {code})")
        self._show(text)
        details, exit_code = self._component().get("details", {}), self._agent.stop()
        pending = len(self._sandbox.uploads(BUCKET))
        violations = len(self._sandbox.violations())
        self._say.table(
            ("backups", "count"),
            [
                ("listed, each with a manifest", f"{len(self._listed())}"),
                ("objects in the bucket", f"{len(self._sandbox.objects(BUCKET)):,}"),
                ("uploads that nobody completed", f"{pending}"),
                ("most that would be lost now (RPO)", f"{details.get('rpo_s')} s"),
                ("time to restore, as measured (RTO)", f"{details.get('rto_s')} s"),
            ],
        )
        promises = {
            "status tells RPO and RTO": is_told and details.get("rpo_s") is not None,
            f"uploads that nobody completed: {pending}": pending == 0,
            f"violations of the service's rules: {violations}": violations == 0,
            f"the daemon's exit code: {exit_code}": exit_code == 0,
        }
        kept = [self._promise(text, holds=holds) for text, holds in promises.items()]
        return all(kept)

    def _is_as_before(self, what: str) -> bool:
        now = take_fingerprint(self._server)
        return self._promise(f"{what}: mariadb-dump writes {now}, as before", holds=now == self._before)

    def _command(self, *arguments: str, is_shown: bool = False) -> bool:
        """Run a command; a failure is told."""
        began = time.monotonic()
        code, text = self._agent.command(*arguments)
        took = time.monotonic() - began
        shown = " ".join(argument.rpartition("/")[2] for argument in arguments)
        self._say.see(f"vawsum-agent {shown}  (exit code {code}, {took:.1f} s)")
        if is_shown or code:
            self._show(text)
        return self._promise(f"`vawsum-agent {shown}` ends with {code}", holds=False) if code else True

    def _show(self, text: str) -> None:
        for line in text.splitlines():
            if line.strip():
                self._say.see(f"    {line.rstrip()}")

    def _promise(self, text: str, *, holds: bool) -> bool:
        (self._say.good if holds else self._say.bad)(text)
        return holds

    def _listed(self) -> Sequence[dict[str, Any]]:
        code, text = self._agent.command("backup", "list", "--json")
        backups: list[dict[str, Any]] = json.loads(text)["backups"] if code == 0 else []
        return backups

    def _scratch(self) -> list[Path]:
        return list((self._agent.state_dir / "drill").glob("*"))

    def _component(self) -> dict[str, Any]:
        return self._agent.component("backup")

    def _look(self) -> str:
        """Return one line: what was paid, what is in S3, what the daemon says of itself."""
        state = self._component().get("state") or ("starting" if self._agent.is_running else "not running")
        objects = len(self._sandbox.objects(BUCKET))
        return f"{self._payments.committed:,} payments   {objects} objects in S3   backup {state}"

    def _last_words(self) -> str:
        lines = self._agent.output.read_text(errors="replace").splitlines() if self._agent.output.exists() else []
        return "\n".join(lines[-LAST_WORDS_LINES:])
