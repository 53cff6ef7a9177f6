"""The component: what becomes of its threads and of what they have under way when it is drained, stopped, replaced."""

from __future__ import annotations

import threading
import time
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from tests.unit.metrics.clocks import HandClock
from tests.unit.metrics.sample.sources import Hanging, ScriptedSource
from vawsum_agent.config.model import MetricsConfig, Seconds
from vawsum_agent.core.clock import Deadline, SystemClock
from vawsum_agent.core.component import Problem, State
from vawsum_agent.core.errors import AccessDenied, AgentError, DrainTimeout
from vawsum_agent.core.metric import Collected, Reading
from vawsum_agent.metrics.aggregate.distribution import Series
from vawsum_agent.metrics.aggregate.period import chunks_of
from vawsum_agent.metrics.component import MetricsComponent
from vawsum_agent.metrics.publish.host import HostDimensions
from vawsum_agent.state.metric_spool import ACCEPTED, RESENT, SPOOLED, MetricSpool
from vawsum_agent.state.store import Store

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from vawsum_agent.core.clock import Clock
    from vawsum_agent.core.metric import MetricSource

CONFIG = MetricsConfig(sample_interval=Seconds(60.0), dimensions=["InstanceId"])
LIMIT_S = 30.0


class Client:
    """CloudWatch, as a function; counts requests."""

    def __init__(self, put: Callable[[], object] = lambda: None) -> None:
        self.requests = 0
        self._put = put

    def put(self, _namespace: str, _body: bytes) -> None:
        """See `Client.put`."""
        self.requests += 1
        self._put()


class Metadata:
    """Instance metadata of an instance in a group."""

    def __init__(self, get: Callable[[], None] = lambda: None) -> None:
        self._get = get

    def get(self, entry: str) -> str | None:
        """See `Metadata.get`."""
        self._get()
        return {"instance-id": "i-0abc"}.get(entry, "web")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store that is empty."""
    store = Store.open(tmp_path / "state.db", SystemClock())
    yield store
    store.close()


def component(
    store: Store,
    client: Client,
    sources: Sequence[MetricSource] = (),
    clock: Clock | None = None,
    metadata: Metadata | None = None,
) -> MetricsComponent:
    """Build one; with instance metadata it has to learn its group."""
    clock = clock or SystemClock()
    wanted = ["InstanceId"] if metadata is None else ["InstanceId", "AutoScalingGroupName"]
    return MetricsComponent(
        config=CONFIG,
        instance_id="i-0abc",
        store=store,
        sources=sources,
        tallies=None,
        client=client,
        host=HostDimensions(wanted, "i-0abc", metadata or Metadata(), lambda _: None, clock),
        clock=clock,
    )


def nothing(_db: sqlite3.Connection) -> None:
    """Forget no tallies."""


def leave(store: Store, at_s: float) -> None:
    """Leave data of a minute in the spool."""
    MetricSpool(store, 1 << 20).seal(chunks_of(int(at_s * 1000), [Series("m", (), "Count", [1.0], [1])]), [], nothing)


def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    ends_at = time.monotonic() + LIMIT_S
    while not is_so():
        assert time.monotonic() < ends_at
        time.sleep(0.01)


def ended(*names: str) -> bool:
    """Whether no thread has one of these names."""
    return not any(thread.name in names for thread in threading.enumerate())


def test_a_request_that_outlasts_its_component_changes_nothing_for_the_next(store: Store) -> None:
    """Replaced while CloudWatch hangs, the old component's answer comes beside the new one's books: these stay true."""
    leave(store, time.time() - 600)
    released = threading.Event()
    hanging = Client(lambda: released.wait(LIMIT_S))
    old = component(store, hanging)
    old.start()
    until(lambda: hanging.requests == 1)
    old.stop()
    following = component(store, Client())
    released.set()
    until(lambda: ended("publisher"))
    following.start()
    following.drain(Deadline(SystemClock(), LIMIT_S))
    following.stop()
    counters = MetricSpool(store, 1 << 20).counters()
    assert (counters[SPOOLED], counters[ACCEPTED], counters[RESENT]) == (1, 1, 1)
    assert following.status().backlog_count == 0


def test_a_round_that_outlasts_its_component_is_not_kept(store: Store) -> None:
    """Replaced amid a round, the old component keeps none: the next one counts the same increases."""
    hanging = Hanging()
    old = component(store, Client(), [ScriptedSource("slow", hanging)])
    old.start()
    until(lambda: not ended("sample-slow"))
    old.stop()
    hanging.released.set()
    until(lambda: ended("sampler", "sample-slow"))
    assert MetricSpool(store, 1 << 20).rounds() == []


def test_a_drain_does_not_wait_for_what_a_wrong_clock_stamped_for_later(store: Store) -> None:
    """What CloudWatch will take in hours only is in the way of no stop and of no reload."""
    leave(store, time.time() + 3 * 3600)
    leave(store, time.time() - 600)
    drained = component(store, client := Client())
    drained.start()
    began = time.monotonic()
    drained.drain(Deadline(SystemClock(), LIMIT_S))
    assert time.monotonic() - began < LIMIT_S / 2
    assert client.requests == 1
    assert drained.status().backlog_count == 1
    drained.stop()


def test_a_drain_gives_up_where_only_a_person_can_help(store: Store) -> None:
    """Without permission to publish a stop does not take all the time it may: what waits stays in the spool."""
    leave(store, time.time() - 600)

    def deny() -> None:
        raise AccessDenied("PutMetricData: AccessDenied")

    denied = component(store, client := Client(deny))
    denied.start()
    until(lambda: client.requests == 1)
    began = time.monotonic()
    with pytest.raises(DrainTimeout, match="1 datum not accepted: PutMetricData"):
        denied.drain(Deadline(SystemClock(), LIMIT_S))
    assert time.monotonic() - began < LIMIT_S / 2
    assert client.requests == 2
    denied.stop()


def test_learning_the_group_takes_nothing_from_the_time_of_a_request(tmp_path: Path) -> None:
    """Where names can't be resolved both take long; neither is taken for a loop that hangs."""
    clock = HandClock()
    store = Store.open(tmp_path / "state.db", clock)
    leave(store, clock.wall - 600)
    were_alive: list[bool] = []

    def put() -> None:
        clock.advance(45)
        were_alive.append(slow.is_alive())

    def look() -> None:
        # The sampler has to have had its turn: time that passes before it is none that it waited for.
        until(lambda: slow._sampler.pulse._due > before_a_turn)
        clock.advance(20)

    source = ScriptedSource("well", lambda: Collected([Reading("up", 1.0)]))
    slow = component(store, Client(put), [source], clock, Metadata(look))
    before_a_turn = slow._sampler.pulse._due
    slow.start()
    until(lambda: bool(were_alive))
    slow.stop()
    store.close()
    assert all(were_alive)


def test_a_store_that_can_not_be_read_is_told_once(store: Store) -> None:
    """The journal, perhaps on the same full disk, does not get a line each second."""
    with capture_logs() as lines:
        failing = component(store, Client())
        failing.start()
        store.close()
        until(lambda: any(line["event"] == "metrics_not_booked" for line in lines))
        time.sleep(2.5)
        failing.stop()
    assert sum(line["event"] == "metrics_not_booked" for line in lines) == 1


def test_every_source_that_is_down_is_a_problem(store: Store) -> None:
    """Two of three: status names the first as its error, and lists both."""

    def down(name: str) -> Collected:
        raise AgentError(f"{name} is down", hint=f"start {name}")

    sources = [ScriptedSource(name, partial(down, name)) for name in ("mysql", "apache")]
    running = component(store, Client(), [*sources, ScriptedSource("well", lambda: Collected([Reading("up", 1.0)]))])
    running.start()
    until(lambda: running.status().state is State.DEGRADED)
    status = running.status()
    running.stop()
    assert (status.last_error, status.hint) == ("apache is down", "start apache")
    assert status.problems == (Problem("apache is down", "start apache"), Problem("mysql is down", "start mysql"))


def test_data_a_minute_are_unknown_at_first(store: Store) -> None:
    """Before a period was sealed nobody knows how many data a minute it comes to: that is not none."""
    running = component(store, Client(), [])
    assert running.status().details["data_per_minute"] is None


def test_times_in_status_are_rfc_3339(store: Store) -> None:
    """When the last round was is told as all times are."""
    running = component(store, Client(), [ScriptedSource("well", lambda: Collected([Reading("up", 1.0)]))])
    running.start()
    until(lambda: running.status().details["last_round_at"] is not None)
    running.stop()
    assert (
        abs(datetime.fromisoformat(str(running.status().details["last_round_at"])).timestamp() - time.time()) < LIMIT_S
    )
