"""The lease, on the sandbox's S3: real races, real conditional writes, answers that are lost, clocks that are wrong."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.counts import count
from tests.integration.backup.vaults import BUCKET
from vawsum_agent.aws.lease import Held, HeldElsewhere, Lease, LeaseLost
from vawsum_agent.aws.lease_record import GRACE_S
from vawsum_agent.aws.lease_renewer import Renewer
from vawsum_agent.core.clock import SystemClock
from vawsum_agent.core.errors import Unavailable

if TYPE_CHECKING:
    from sandbox import Sandbox
    from vawsum_agent.aws.backup_bucket import BackupBucket

KEY = "mysql/production-db/lease.json"
TTL_S = 120.0


def lease_in(vault: BackupBucket) -> Lease:
    """Make a host's own view of it."""
    return Lease(vault, KEY, SystemClock())


def take(lease: Lease, holder: str = "i-1") -> Held:
    """Take it, which has to succeed."""
    got = lease.acquire(holder, TTL_S)
    assert isinstance(got, Held)
    return got


def test_of_many_hosts_one_gets_it(sandbox: Sandbox, vault: BackupBucket) -> None:
    """All at once, round after round: one holds it, the others are told so, and the generation grows by one."""
    for generation in range(1, count(8, 200)):
        got: list[Held | HeldElsewhere] = []
        ready = threading.Barrier(6)

        def acquire(holder: str, got: list[Held | HeldElsewhere] = got, ready: threading.Barrier = ready) -> None:
            lease = lease_in(vault)
            ready.wait(60)
            got.append(lease.acquire(holder, TTL_S))

        threads = [threading.Thread(target=acquire, args=(f"i-{number}",)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        holders = [one for one in got if isinstance(one, Held)]
        # A write that met another one may be refused on both sides; whoever comes next gets it.
        assert len(got) == 6
        assert len(holders) <= 1
        held = holders[0] if holders else take(lease_in(vault))
        assert held.generation == generation
        held.release(slot=float(generation))
    assert sandbox.violations() == []
    assert [row.key for row in sandbox.objects(BUCKET)] == [KEY]


@pytest.mark.parametrize("host_is_wrong_by_s", [-250, 0, 250])
def test_a_crashed_holder_is_waited_for_by_the_clock_of_s3(
    sandbox: Sandbox, vault: BackupBucket, host_is_wrong_by_s: int
) -> None:
    """Its time and a little more has to pass there; what the hosts' clocks show does not matter."""
    sandbox.settings(clock_offset_s=-host_is_wrong_by_s)
    dead = take(lease_in(vault))
    other = lease_in(vault)
    got = other.acquire("i-2", TTL_S)
    assert isinstance(got, HeldElsewhere)
    assert got.holder == "i-1"
    assert TTL_S < got.remaining_s <= TTL_S + GRACE_S
    # The signature's window is five minutes wide: what S3's clock jumps by here has to fit.
    jump_s = TTL_S + GRACE_S + 1
    sandbox.settings(clock_offset_s=-host_is_wrong_by_s + jump_s, signature_window_s=3600)
    assert take(other, "i-2").generation == 2
    with pytest.raises(LeaseLost):
        dead.renew()
    sandbox.settings(signature_window_s=300)


@pytest.mark.parametrize("kind", ["reset_after", "failure_after"])
def test_lost_answers_are_found_out(sandbox: Sandbox, vault: BackupBucket, kind: str) -> None:
    """Taken, renewed and given back, each with an answer that never came."""
    lease = lease_in(vault)
    sandbox.fault(kind, operation="s3:PutObject", count=1)
    held = take(lease)
    for deed in (held.renew, held.renew, held.release):
        sandbox.fault(kind, operation="s3:PutObject", count=1)
        deed()
    assert take(lease_in(vault), "i-2").generation == 2


@pytest.mark.parametrize("kind", ["drop", "unavailable", "conflict"])
def test_what_was_not_done_is_not_believed(sandbox: Sandbox, vault: BackupBucket, kind: str) -> None:
    """A renewal that failed says so, and the next one succeeds."""
    held = take(lease_in(vault))
    sandbox.fault(kind, operation="s3:PutObject", count=1)
    with pytest.raises(Unavailable):
        held.renew()
    held.renew()
    assert held.remaining_s() > 0


def test_it_is_kept_while_a_job_runs(sandbox: Sandbox, vault: BackupBucket) -> None:
    """Renewed again and again, whatever S3 does in between; a key and conditions are no obstacle."""
    got = lease_in(vault).acquire("i-1", 3.0)
    assert isinstance(got, Held)
    waited = threading.Event()
    sandbox.fault("unavailable", operation="s3:PutObject", count=2)
    with Renewer(got) as renewer:
        for _ in range(600):
            if got.record.write >= 6:
                break
            waited.wait(0.1)
        assert got.record.write >= 6
        assert renewer.last_error is None
    got.release(backup_id="20261124T183000Z")
    seen = lease_in(vault).peek()
    assert seen is not None
    assert (seen.backup_id, seen.is_released) == ("20261124T183000Z", True)
