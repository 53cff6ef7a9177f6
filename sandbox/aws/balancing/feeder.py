"""Keeps the balancer at what the target groups say, and tells them whom it really sends requests to."""

from __future__ import annotations

import json
import sys
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sandbox.servers.nginx_balancer import NginxBalancer, Upstream
from sandbox.servers.process import ServerError

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.aws.balancing.targets import Route, Targets

RETRY_S = 1.0
IDLE_S = 1.0


class Feeder:
    """A thread that reloads nginx whenever somebody else is to get requests.

    It lives in the process that knows the truth, and it alone starts, reloads and stops nginx: what a group says and
    what nginx does can't come apart but for the moment of a reload, and that moment is known.
    """

    def __init__(self, targets: Targets, folder: Path) -> None:
        self._targets = targets
        self._nginx = NginxBalancer(folder / "balancer")
        self._served: tuple[Route, ...] = ()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feeder", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End nginx; idempotent."""
        self._stop.set()
        with self._targets.changed:
            self._targets.changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()

    def await_served(self, url: str, timeout_s: float) -> bool:
        """Wait until nginx listens for a group at its URL, and tell whether it does."""
        with self._targets.changed:
            return self._targets.changed.wait_for(lambda: any(route.url == url for route in self._served), timeout_s)

    def log(self, name: str) -> list[dict[str, Any]]:
        """Return the requests that nginx answered for a group, in the order in which they ended."""
        path = self._nginx.access_log
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        rows = [json.loads(line) for line in lines]
        return [{**row, "status": int(row["status"])} for row in rows if row["group"] == name]

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._follow()
        finally:
            self._nginx.stop()

    def _follow(self) -> None:
        with self._targets.changed:
            wanted = self._targets.routes()
            if wanted == self._served:
                self._targets.changed.wait(IDLE_S)
                return
        try:
            self._nginx.route(_upstream(route) for route in wanted)
        except ServerError as error:
            print(f"the balancer could not follow: {error}", file=sys.stderr, flush=True)
            self._stop.wait(RETRY_S)
            return
        with self._targets.changed:
            self._served = wanted
            self._targets.set_routed({route.url: route.keys for route in wanted})


def _upstream(route: Route) -> Upstream:
    return Upstream(route.name, urlsplit(route.url).port or 0, route.addresses)
