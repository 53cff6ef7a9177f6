"""The one place that builds everything: from a configuration to a daemon that runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from vawsum_agent import __version__
from vawsum_agent.aws.metadata import InstanceMetadata
from vawsum_agent.config.load import Loaded, load
from vawsum_agent.config.placeholders import expand
from vawsum_agent.core.board import StatusBoard
from vawsum_agent.core.clock import Clock, SystemClock
from vawsum_agent.core.errors import ConfigError, StateError, Violation
from vawsum_agent.core.recent_requests import RecentRequests
from vawsum_agent.core.text import toml
from vawsum_agent.daemon import notify
from vawsum_agent.daemon.control import ControlServer
from vawsum_agent.daemon.control_http import Routes
from vawsum_agent.daemon.identity import Host
from vawsum_agent.daemon.lifecycle import Daemon, Generation, OwnProcess
from vawsum_agent.daemon.paths import control_socket, state_file
from vawsum_agent.daemon.process import (
    give_memory_back,
    guarantee_exit,
    lock_state,
    raise_descriptor_limit,
    tune_malloc,
)
from vawsum_agent.daemon.requests import deliver_signals
from vawsum_agent.daemon.session import SharedSession, open_session
from vawsum_agent.daemon.successes import Successes, successes_in
from vawsum_agent.daemon.supervised import Part
from vawsum_agent.daemon.supervisor import Supervisor
from vawsum_agent.state.inspection import read_snapshot
from vawsum_agent.state.instance import claim
from vawsum_agent.state.request_tallies import RequestTallies
from vawsum_agent.state.store import Store

if TYPE_CHECKING:
    from vawsum_agent.config.model import AgentConfig, BackupConfig, Config, DeployConfig, ImagesConfig, MetricsConfig
    from vawsum_agent.core.component import Component
    from vawsum_agent.core.identity import Identity
    from vawsum_agent.metrics.publish.host import HostDimensions

EXIT_MARGIN_S = 5.0
"""How long after the drain's deadline the process may still take to stop components and write its last snapshot."""

_FIXED = ("state_dir", "runtime_dir")


def serve(path: Path) -> int:
    """Run the daemon until it is told to stop; returns the exit code.

    Raises:
        AgentError: it can't start: bad configuration, another daemon, unusable state.
    """
    loaded = load(path)
    agent = loaded.config.agent
    tune_malloc()
    raise_descriptor_limit()
    lock = lock_state(Path(agent.state_dir))
    clock = SystemClock()
    store = Store.open(state_file(agent), clock)
    board = StatusBoard()
    recent = RecentRequests(clock, os.urandom(8).hex())
    successes = _successes(state_file(agent), clock)
    builder = Builder(path.absolute(), store, clock, InstanceMetadata(), board, successes, recent)
    daemon = Daemon(
        builder.generation(loaded),
        version=__version__,
        next_generation=lambda: builder.generation(reloaded(path, agent)),
        store=store,
        notifier=notify.from_environ(),
        clock=clock,
        process=OwnProcess(
            pid=os.getpid(),
            guard_exit=lambda timeout_s: guarantee_exit(timeout_s + EXIT_MARGIN_S, 1),
            give_memory_back=give_memory_back,
        ),
        board=board,
    )
    routes = Routes(
        __version__, daemon.status, daemon.drain, lambda start, end: msgspec.to_builtins(recent.told(start, end))
    )
    control = ControlServer(control_socket(agent), routes)
    try:
        control.start()
        deliver_signals(daemon.inbox)
        return daemon.run()
    finally:
        control.close()
        store.close()
        os.close(lock)


def reloaded(path: Path, running: AgentConfig) -> Loaded:
    """Read the configuration again.

    Raises:
        ConfigError: also when it moves a folder that the running process holds open.
    """
    loaded = load(path)
    wanted = loaded.config.agent
    moved = [name for name in _FIXED if getattr(wanted, name) != getattr(running, name)]
    if moved:
        raise ConfigError(
            [
                Violation(
                    str(path), f"agent.{name}", getattr(wanted, name), f"{toml(getattr(running, name))} until a restart"
                )
                for name in moved
            ]
        )
    return loaded


def _successes(path: Path, clock: Clock) -> Successes:
    """Read from the last status when components succeeded; it is only for people, and no reason not to start."""
    try:
        last = read_snapshot(path)
    except StateError:
        return Successes()
    return Successes(successes_in(last[0], clock.now())) if last is not None else Successes()


class Builder:
    """Turns configurations into generations, over one store; jobs read the same ``path``.

    All count their requests into ``recent``, so that a reload forgets none.
    """

    def __init__(
        self,
        path: Path,
        store: Store,
        clock: Clock,
        metadata: InstanceMetadata,
        board: StatusBoard,
        successes: Successes,
        recent: RecentRequests,
    ) -> None:
        self._path = path
        self._store = store
        self._clock = clock
        self._metadata = metadata
        self._host = Host(metadata)
        self._board = board
        self._successes = successes
        self._recent = recent

    def generation(self, loaded: Loaded) -> Generation:
        """Build what a configuration asks for; nothing is started."""
        identity = self._host.identity(loaded.config.agent)
        if self._host.proven_id is not None:
            claim(self._store, self._host.proven_id)
        supervisor = Supervisor(self._parts(loaded.config, identity), self._clock, successes=self._successes)
        return Generation(loaded, identity, supervisor)

    def _parts(self, config: Config, identity: Identity) -> list[Part]:
        """List the components: first those that tell of others, so that they are drained last."""
        session = SharedSession(lambda: open_session(config.agent, self._host))
        place = self._place(config.metrics, identity, session) if config.metrics is not None else None
        parts = []
        if config.notify is not None:
            parts.append(Part("alerts", lambda: self._alerts(config, identity, session, place)))
        if config.metrics is not None and place is not None:
            metrics = config.metrics
            parts.append(Part("metrics", lambda: self._metrics(metrics, identity, session, place)))
        # Its drain waits for a job that may take hours: those with data to send are drained before.
        if config.backup is not None:
            backup = config.backup
            parts.append(Part("backup", lambda: self._backup(config.agent, backup, identity, session)))
        if config.deploy is not None:
            deploy = config.deploy
            parts.append(Part("deploy", lambda: self._deploy(deploy)))
        if config.images is not None:
            images = config.images
            parts.append(Part("images", lambda: self._images(images, identity, session)))
        if config.logs is not None:
            parts.append(Part("logs", lambda: self._logs(config, identity, session)))
        return parts

    # A capability that is not configured is not imported and costs no memory.

    def _place(self, metrics: MetricsConfig, identity: Identity, session: SharedSession) -> HostDimensions:
        from vawsum_agent.aws.autoscaling import group_of_instance  # noqa: PLC0415
        from vawsum_agent.metrics.publish.host import HostDimensions  # noqa: PLC0415

        return HostDimensions(
            metrics.dimensions,
            identity.instance_id,
            self._metadata,
            lambda instance_id: group_of_instance(session.get(), instance_id),
            self._clock,
        )

    def _alerts(
        self, config: Config, identity: Identity, session: SharedSession, place: HostDimensions | None
    ) -> Component:
        from vawsum_agent.alerts.component import AlertsComponent  # noqa: PLC0415
        from vawsum_agent.aws.sns import SnsClient  # noqa: PLC0415

        group = place.group if place is not None else lambda: None
        publisher = SnsClient(session.get(), identity.instance_id)
        return AlertsComponent(config, identity, self._store, publisher, self._board, self._clock, group)

    def _metrics(
        self, config: MetricsConfig, identity: Identity, session: SharedSession, place: HostDimensions
    ) -> Component:
        from vawsum_agent.aws.cloudwatch import MetricsClient  # noqa: PLC0415
        from vawsum_agent.metrics.aggregate.tallies import SpooledTallies  # noqa: PLC0415
        from vawsum_agent.metrics.component import MetricsComponent  # noqa: PLC0415
        from vawsum_agent.metrics.host import host_sources  # noqa: PLC0415
        from vawsum_agent.metrics.own import AgentSource  # noqa: PLC0415
        from vawsum_agent.metrics.servers import server_sources  # noqa: PLC0415

        return MetricsComponent(
            config=config,
            instance_id=identity.instance_id,
            store=self._store,
            sources=[AgentSource(self._board, self._clock), *host_sources(config), *server_sources(config)],
            # Also where requests are not counted any more: what was, is published and does not stay in the store.
            tallies=SpooledTallies(RequestTallies(self._store)),
            client=MetricsClient(session.get()),
            host=place,
            clock=self._clock,
        )

    def _images(self, config: ImagesConfig, identity: Identity, session: SharedSession) -> Component:
        from vawsum_agent.aws.objects import ObjectStore  # noqa: PLC0415
        from vawsum_agent.images.component import ImagesComponent  # noqa: PLC0415
        from vawsum_agent.images.remove.choose import choose  # noqa: PLC0415
        from vawsum_agent.images.upload.room import Room  # noqa: PLC0415
        from vawsum_agent.images.upload.send import Sender  # noqa: PLC0415

        room = Room()
        return ImagesComponent(
            config,
            self._store,
            lambda folder: Sender(ObjectStore(session.get(), folder.bucket), identity.instance_id, room),
            choose,
            self._clock,
        )

    def _backup(
        self, agent: AgentConfig, config: BackupConfig, identity: Identity, session: SharedSession
    ) -> Component:
        from vawsum_agent.aws.backup_bucket import BackupBucket  # noqa: PLC0415
        from vawsum_agent.backup.child import Job, command_for  # noqa: PLC0415
        from vawsum_agent.backup.component import BackupComponent  # noqa: PLC0415
        from vawsum_agent.backup.in_bucket import InBucket  # noqa: PLC0415
        from vawsum_agent.backup.journal import Journal  # noqa: PLC0415

        server = expand(config.server, identity.placeholders())
        bucket = BackupBucket(session.get(), config.bucket, config.kms_key_id)
        return BackupComponent(
            config,
            server,
            Journal(Path(agent.state_dir)),
            InBucket(bucket, config.prefix, server, self._clock),
            lambda kind, slot: Job(command_for(kind, slot, self._path)),
            self._clock,
        )

    def _deploy(self, config: DeployConfig) -> Component:
        from vawsum_agent.deploy.component import DeployComponent  # noqa: PLC0415

        return DeployComponent(config, self._clock)

    def _logs(self, config: Config, identity: Identity, session: SharedSession) -> Component:
        from vawsum_agent.logs.component import LogsComponent  # noqa: PLC0415

        counts_requests = config.metrics is not None and config.metrics.requests
        is_guarding = config.deploy is not None and any(app.guard is not None for app in config.deploy.app)
        return LogsComponent(
            config,
            identity,
            self._store,
            session.get(),
            self._clock,
            counts_requests=counts_requests,
            recent=self._recent if is_guarding else None,
        )
