"""The layout in the bucket is a promise to whoever reads it without us."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.backup.names import BackupName, backup_id_at, is_backup_id, parse_key


def test_layout() -> None:
    """Prefix, server, ID, name."""
    name = BackupName("production-db", "20260131T183000Z")
    assert name.key("mysql/", "manifest.json") == "mysql/production-db/20260131T183000Z/manifest.json"
    assert parse_key("mysql/", "mysql/production-db/20260131T183000Z/manifest.json") == (name, "manifest.json")


@given(st.integers(0, 4_000_000_000))
def test_an_id_is_a_moment(epoch_s: int) -> None:
    """To the second, and back; later ones sort later."""
    backup_id = backup_id_at(epoch_s)
    assert is_backup_id(backup_id)
    assert BackupName("x", backup_id).began_at == epoch_s
    assert backup_id < backup_id_at(epoch_s + 1)


@pytest.mark.parametrize("text", ["", "latest", "20260131T183000", "20261331T183000Z", "20260131T183000Z/", "../x"])
def test_no_ids(text: str) -> None:
    """A month that does not exist is none, and nothing that leads elsewhere."""
    assert not is_backup_id(text)


@pytest.mark.parametrize(
    "key",
    [
        "mysql/production-db/lease.json",
        "mysql/production-db/20260131T183000Z/a/b",
        "mysql/[bold]/20260131T183000Z/manifest.json",
        "mysql/\x1b[2J/20260131T183000Z/manifest.json",
        "mysql//20260131T183000Z/manifest.json",
        "other/production-db/20260131T183000Z/manifest.json",
        "mysql/production-db/20269931T183000Z/manifest.json",
    ],
)
def test_other_objects(key: str) -> None:
    """What else lies under the prefix is no backup."""
    assert parse_key("mysql/", key) is None
