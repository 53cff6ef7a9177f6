"""Asks targets how they are, each as often as its group says; and lets time pass for those that leave."""

from __future__ import annotations

import http.client
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from sandbox.aws.balancing.health import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.aws.balancing.targets import ProbeJob, Targets

STEP_S = 0.03
WORKERS_COUNT = 16


class Prober:
    """A thread that looks what is due, and some that ask."""

    def __init__(self, targets: Targets, settle: Callable[[float], None]) -> None:
        self._targets = targets
        self._settle = settle
        self._stop = threading.Event()
        self._workers = ThreadPoolExecutor(WORKERS_COUNT, "probe")
        self._thread = threading.Thread(target=self._run, name="prober", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Begin no more probes; those under way end by themselves."""
        self._stop.set()
        self._workers.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        while not self._stop.wait(STEP_S):
            now = time.monotonic()
            self._settle(now)
            for job in self._targets.take_probes(now):
                try:
                    self._workers.submit(self._probe, job)
                except RuntimeError:  # stopped meanwhile
                    return

    def _probe(self, job: ProbeJob) -> None:
        rules = job.group.rules
        self._targets.probed(job, ask(job.address, rules.health_path, rules.timeout_s))


def ask(address: tuple[str, int], path: str, timeout_s: float) -> Outcome:
    """Ask once, as the load balancer does."""
    host, port = address
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    try:
        headers = {"Host": f"{host}:{port}", "User-Agent": "ELB-HealthChecker/2.0", "Connection": "close"}
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read(1024)
    except TimeoutError:
        return Outcome(problem="Target.Timeout")
    except (OSError, http.client.HTTPException):
        return Outcome(problem="Target.FailedHealthChecks")
    else:
        return Outcome(status=answer.status)
    finally:
        connection.close()
