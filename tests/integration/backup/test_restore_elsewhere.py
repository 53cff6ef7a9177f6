"""A backup whose server had what another one lacks: plugins of authentication, engines, events that are over by now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import zstandard

from sandbox.servers.mariadb import MariaDb
from sandbox.servers.process import ServerError, open_directory
from tests.integration.backup.restores import NAME, OPTIONS, PREFIX, Bench, accounts_of, back_up, emptied
from tests.unit.backup.restore.memory_bucket import MemoryBucket
from vawsum_agent.backup.drill import place as places
from vawsum_agent.backup.drill.checks import Asker
from vawsum_agent.backup.drill.examine import examine
from vawsum_agent.backup.drill.programs import find
from vawsum_agent.backup.drill.restoring import WholeRestorer
from vawsum_agent.backup.drill.scratch import Scratch
from vawsum_agent.backup.journal import Journal
from vawsum_agent.backup.names import GRANTS
from vawsum_agent.backup.server.grants_file import read_grants_file
from vawsum_agent.core.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vawsum_agent.backup.manifest import Manifest

# The views can only be made where the account is there, in whose name one of them is read.
SHOP = """
INSTALL SONAME 'auth_ed25519'; INSTALL SONAME 'ha_blackhole';
CREATE DATABASE shop; USE shop;
CREATE TABLE orders (id INT PRIMARY KEY); INSERT INTO orders VALUES (1), (2);
CREATE TABLE hole (id INT) ENGINE = BLACKHOLE;
CREATE USER a@'%' IDENTIFIED BY 'a', app@'%' IDENTIFIED VIA ed25519 USING PASSWORD('secret'), z@'%' IDENTIFIED BY 'z';
GRANT SELECT ON shop.orders TO app@'%'; GRANT PROCESS ON *.* TO app@'%' WITH GRANT OPTION;
CREATE DEFINER = app@'%' VIEW by_app AS SELECT id FROM orders; CREATE VIEW on_it AS SELECT id FROM by_app;
CREATE EVENT lasting ON SCHEDULE EVERY 1 DAY DO SELECT 1;
SET TIMESTAMP = UNIX_TIMESTAMP('2020-01-01');
CREATE EVENT once ON SCHEDULE AT '2020-01-01 02:00:00' DO SELECT 1;
CREATE EVENT term ON SCHEDULE EVERY 1 DAY ENDS '2020-07-01 00:00:00' DO SELECT 1;
CREATE EVENT kept ON SCHEDULE AT '2020-01-01 02:00:00' ON COMPLETION PRESERVE DO SELECT 1;
"""
BARRED = "account app@% can't log in as it did: the server has no plugin ed25519"
SUBSTITUTED = "table shop.hole was BLACKHOLE, and is InnoDB: the server has no such engine"
ENDED = "database shop: 2 events came to an end since the backup"


@pytest.fixture(scope="module")
def source() -> Iterator[MariaDb]:
    """A shop's server."""
    with open_directory("elsewhere-from-") as directory, MariaDb(directory, options=OPTIONS) as server:
        server.execute(SHOP)
        yield server


@pytest.fixture(scope="module")
def backed_up(source: MariaDb) -> tuple[MemoryBucket, Manifest]:
    """Its backup."""
    bucket = MemoryBucket()
    return bucket, back_up(source, bucket)


@pytest.fixture(scope="module")
def other() -> Iterator[MariaDb]:
    """Another server."""
    with open_directory("elsewhere-into-") as directory, MariaDb(directory, options=OPTIONS) as server:
        yield server


@pytest.fixture
def bench(backed_up: tuple[MemoryBucket, Manifest], other: MariaDb, tmp_path: Path) -> Bench:
    """The backup, and an empty server."""
    emptied(other)
    other.execute("DROP USER IF EXISTS a@'%', app@'%', z@'%'")
    return Bench(*backed_up, other, Journal(tmp_path))


def test_all_that_can_be_had_is_had(bench: Bench, source: MariaDb) -> None:
    """What the server lacks is a difference, said with what brings it in; all else is there, and nobody gets in.

    An event that is over is none. Once the plugin is there, the statements that are named make the account what it was.
    """
    restored = bench.restore()
    assert restored.report.differences == (BARRED, SUBSTITUTED)
    assert restored.report.remarks == (ENDED,)
    assert [row.found for row in restored.report.rows] == [0, 2]
    remedy = "INSTALL SONAME 'auth_ed25519'; then run their ALTER USER statements out of s3://vault/"
    assert f"{remedy}{NAME.key(PREFIX, GRANTS)}" in bench.told[-1]
    assert bench.target.execute("SELECT COUNT(*) FROM shop.on_it").strip() == "2"
    assert "GRANT PROCESS ON *.*" in bench.target.execute("SHOW GRANTS FOR app@'%'")
    with pytest.raises(ServerError, match="1045"):
        bench.target.execute("SELECT 1", user="app")
    (last,) = bench.journal.outcomes()
    assert (last.is_ok, last.error) == (False, BARRED)
    accounts = read_grants_file(zstandard.ZstdDecompressor().decompress(bench.bucket.objects[NAME.key(PREFIX, GRANTS)]))
    (alter,) = [one.creation[1] for one in accounts if one.user == "app"]
    bench.target.execute(f"INSTALL SONAME 'auth_ed25519'; {alter}")
    assert accounts_of(bench.target) == accounts_of(source)
    bench.target.execute("DROP USER app@'%'; UNINSTALL SONAME 'auth_ed25519'")


def test_one_table_of_another_engine(bench: Bench) -> None:
    """It is told of a table that is restored alone, too."""
    assert bench.restore(table="shop.hole").report.differences == (SUBSTITUTED,)


def test_a_rehearsal_only_remarks_it(bench: Bench, tmp_path: Path) -> None:
    """What a scratch server lacks says nothing of the backup."""
    with Scratch(find("mariadb"), places.make(tmp_path / "drill", tmp_path), 32 << 20) as scratch:
        restorer = WholeRestorer(bench.bucket, PREFIX, SystemClock(), lambda: 0.5)
        remarks = restorer.restore(NAME, bench.manifest, scratch.option_file, 2, lambda *_: None, lambda: False)
        found = examine(bench.manifest, Asker(str(scratch.option_file), 2), lambda: 0.0, lambda *_: None)
    assert remarks == [BARRED]
    assert found.problems == ()
    assert found.remarks == (SUBSTITUTED, ENDED)
