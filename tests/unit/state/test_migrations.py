"""Old stores: what an earlier version left behind is taken over whole."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from vawsum_agent.core.clock import SystemClock
from vawsum_agent.state.inspection import read_snapshot
from vawsum_agent.state.log_batches import LogBatches
from vawsum_agent.state.log_files import LogFiles
from vawsum_agent.state.metric_spool import MetricSpool
from vawsum_agent.state.schema import VERSION
from vawsum_agent.state.store import Store

SAMPLES = sorted(Path(__file__).parent.joinpath("samples").glob("version-*.sql"))


def test_each_old_version_has_its_sample() -> None:
    """A change of the schema comes with a frozen sample of the version before."""
    assert [sample.stem for sample in SAMPLES] == [f"version-{number}" for number in range(1, VERSION)]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.stem)
def test_an_old_store_is_taken_over(tmp_path: Path, sample: Path) -> None:
    """Checkpoints, journal, ledger, counters and the last status of an older version are there after the upgrade."""
    path = tmp_path / "state.db"
    with closing(sqlite3.connect(path)) as old:
        old.executescript(sample.read_text())
    store = Store.open(path, SystemClock())
    assert store.rebuilt_because is None
    assert store.read("PRAGMA user_version")[0][0] == VERSION
    (record,) = LogFiles(store).of_source("apache-access")
    assert (record.path, record.offset, record.fingerprint.inode) == ("/var/log/apache2/access.log", 4096, 131337)
    (batch,) = LogBatches(store).of_file(record.file_id)
    assert (batch.start, batch.end, batch.layout) == (4096, 5000, b"[1,1,[904,1790000000000]]")
    assert store.counter("log_ambiguous_events") == 7
    snapshot = read_snapshot(path)
    assert snapshot is not None
    assert snapshot[0]["state"] == "running"
    assert MetricSpool(store, 1 << 20).waiting.data_count == 0
    store.close()
