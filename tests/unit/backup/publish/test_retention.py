"""What may expire: never more than newer verified backups make needless."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.backup.names import BackupName
from vawsum_agent.backup.publish.band import unusual
from vawsum_agent.backup.publish.retention import UNFINISHED_AFTER_S, Kept, may_expire

DAY_S = 86_400.0


def kept(day: int, *, is_published: bool = True, is_verified: bool = True, age_s: float = DAY_S) -> Kept:
    """The backup of a day."""
    return Kept(BackupName("db", f"202601{day:02}T000000Z"), is_published, is_verified, age_s)


def days(names: list[BackupName]) -> list[int]:
    """Of which days backups are."""
    return sorted(int(name.backup_id[6:8]) for name in names)


def test_the_newest_verified_stay() -> None:
    """Three verified ones stay, and what is older may go."""
    assert days(may_expire([kept(day) for day in range(1, 21)], 3)) == list(range(1, 18))


def test_fifteen_failed_nights() -> None:
    """Nights without a backup, or with one that was not verified, make nothing needless."""
    good = [kept(day) for day in range(1, 4)]
    unverified = [kept(day, is_verified=False) for day in range(4, 19)]
    failed = [kept(day, is_published=False, is_verified=False) for day in range(19, 29)]
    assert may_expire([*good, *unverified, *failed], 3) == []


def test_unverified_are_judged_by_the_verified() -> None:
    """One that was never verified goes like any other once enough newer ones are."""
    rows = [kept(1, is_verified=False), kept(2), kept(3), kept(4)]
    assert days(may_expire(rows, 3)) == [1]
    assert may_expire(rows, 4) == []


def test_what_never_became_a_backup() -> None:
    """It goes after a day; one that is being written does not."""
    old = kept(1, is_published=False, is_verified=False, age_s=UNFINISHED_AFTER_S + 1)
    new = kept(2, is_published=False, is_verified=False, age_s=60.0)
    assert days(may_expire([old, new], 3)) == [1]


@given(
    st.lists(st.tuples(st.integers(1, 28), st.booleans(), st.booleans()), unique_by=lambda row: row[0]),
    st.integers(1, 5),
)
def test_enough_always_remain(rows: list[tuple[int, bool, bool]], keep_at_least: int) -> None:
    """Whatever happened: as many verified backups as are to be kept remain, or nothing published goes."""
    all_rows = [
        kept(day, is_published=is_published, is_verified=is_published and is_good, age_s=0.0)
        for day, is_published, is_good in rows
    ]
    chosen = set(may_expire(all_rows, keep_at_least))
    remaining = [row for row in all_rows if row.name not in chosen and row.is_verified]
    assert not chosen or len(remaining) >= keep_at_least


def test_band() -> None:
    """Half or double of what is usual is worth a sentence; a few rows in a small database are not."""
    usual = [100 << 20] * 7
    assert unusual(100 << 20, usual) is None
    assert unusual(49 << 20, usual) is not None
    assert unusual(201 << 20, usual) is not None
    assert "the last 7" in str(unusual(0, usual))
    assert unusual(1, usual[:2]) is None
    assert unusual(300_000, [100_000] * 7) is None
