"""Wiring: builds the local AWS, says where it listens, serves until told to stop."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import orjson

from sandbox.aws.admin import Admin, Parts
from sandbox.aws.autoscaling_service import AutoScalingService
from sandbox.aws.balancing.balancing import Balancing
from sandbox.aws.balancing.service import BalancingService
from sandbox.aws.books import Books
from sandbox.aws.certificate import make_certificate
from sandbox.aws.faults import FaultPlan
from sandbox.aws.gate import Gate
from sandbox.aws.listener import Listener
from sandbox.aws.log_store import LogStore
from sandbox.aws.logs_service import LogsService
from sandbox.aws.metadata import Metadata
from sandbox.aws.metric_store import MetricStore
from sandbox.aws.metrics_service import MetricsService
from sandbox.aws.moto import Moto
from sandbox.aws.policy import Gatekeeper
from sandbox.aws.rate_limits import RateLimits
from sandbox.aws.run_command.board import Board
from sandbox.aws.run_command.service import SsmService
from sandbox.aws.s3.gate import Rules
from sandbox.aws.s3.public import PREFIX
from sandbox.aws.s3.service import S3Service
from sandbox.aws.settings import Settings
from sandbox.aws.sns_service import SnsService
from sandbox.aws.strikes import Strikes
from sandbox.aws.switch import Switch


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to serve.

    Attributes:
        port: the front's port; 0 takes a free one.
        has_tls: whether to listen with TLS as well.
        policies: the IAM policies to enforce, all together, on what the front carries out itself.
        deny: actions denied whatever the policy says.
        has_moto: whether other services are passed on to moto.
        seed: of all dice.
        ends_with_stdin: whether to stop when stdin is closed, so as not to outlive the process that holds it.
    """

    port: int = 0
    has_tls: bool = False
    policies: tuple[Path, ...] = ()
    deny: tuple[str, ...] = ()
    has_moto: bool = True
    seed: int = 1
    ends_with_stdin: bool = False


def serve(options: Options) -> None:
    """Serve until SIGTERM, SIGINT or, if so asked, the end of stdin. Prints one JSON line when ready."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    if options.ends_with_stdin:
        threading.Thread(target=_watch_stdin, args=(stop,), daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="sandbox-") as folder:
        moto, metadata = Moto(Path(folder), is_enabled=options.has_moto), Metadata()
        balancing = Balancing(metadata, Path(folder))
        try:
            addresses = _build(options, moto, metadata, balancing, Path(folder))
            sys.stdout.write(orjson.dumps({**addresses, "pid": os.getpid()}).decode() + "\n")
            sys.stdout.flush()
            stop.wait()
        finally:
            balancing.stop()
            moto.stop()


def _build(options: Options, moto: Moto, metadata: Metadata, balancing: Balancing, folder: Path) -> dict[str, str]:
    settings, books, plan = Settings(), Books(), FaultPlan(options.seed)
    gatekeeper, store, metrics = Gatekeeper(), LogStore(), MetricStore()
    gatekeeper.enforce(*(orjson.loads(path.read_bytes()) for path in options.policies))
    gatekeeper.deny(list(options.deny))
    sns, strikes, limits = SnsService(settings, books), Strikes(plan), RateLimits()

    def is_within_quota(operation: str) -> bool:
        return limits.take(operation, settings.rate_limits_per_s.get(operation), time.monotonic())

    rules = Rules(
        settings=settings, books=books, gatekeeper=gatekeeper, strikes=strikes, is_within_quota=is_within_quota
    )
    s3 = S3Service(rules, folder, options.seed)
    board = Board(lambda: settings.now_ms() / 1000)
    admin = Admin(Parts(settings, books, plan, gatekeeper, store, metrics, sns, metadata, s3, balancing, board))
    gate = Gate(
        settings=settings,
        books=books,
        gatekeeper=gatekeeper,
        limits=limits,
        strikes=strikes,
        services=(
            LogsService(store, settings, books, options.seed),
            MetricsService(metrics, settings, books),
            sns,
            AutoScalingService(settings, metadata, balancing.scaling),
            BalancingService(balancing.targets, settings),
            SsmService(board),
        ),
        moto=moto,
        admin=admin,
    )
    switch = Switch(gate, s3.gate)
    front = Listener(switch.handle, options.port)
    addresses = {
        "endpoint": front.url,
        "admin": Listener(admin.handle).url,
        "metadata": Listener(metadata.handle).url,
        "public": Listener(s3.public.handle).url + PREFIX,
    }
    if not options.has_tls:
        admin.guard(front)
        return addresses
    certificate = make_certificate(folder)
    secure = Listener(switch.handle, tls=certificate.server_context())
    admin.guard(front, secure)
    return {**addresses, "tls_endpoint": secure.url, "ca_bundle": str(certificate.authority)}


def _watch_stdin(stop: threading.Event) -> None:
    sys.stdin.buffer.read()
    stop.set()
