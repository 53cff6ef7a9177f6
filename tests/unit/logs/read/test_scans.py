"""The pace of scans: soon after news, every second without, less often where a scan takes long."""

from __future__ import annotations

from vawsum_agent.logs.read.scans import Scans


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = 100.0

    def now(self) -> float:
        """Give the wall time."""
        return self.at

    def monotonic(self) -> float:
        """Give the same."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.at += seconds


def scanned(took_s: float = 0.0) -> tuple[Scans, Hands]:
    """Make a pace right after a scan that took so long."""
    clock = Hands()
    scans = Scans(clock)
    scans.begin()
    clock.sleep(took_s)
    scans.end()
    clock.at = 100.0
    return scans, clock


def test_first_scan_is_due_at_once() -> None:
    """Nothing was looked at yet."""
    assert Scans(Hands()).is_due(was_woken=False, is_wanted=False)


def until_next_s(took_s: float = 0.0, *, is_wanted: bool = False) -> float:
    """Seconds from the beginning of a scan that took so long to the next one."""
    return round(scanned(took_s)[0].until_next_s(is_wanted=is_wanted), 6)


def test_quiet_files_are_looked_at_every_second() -> None:
    """A scan decides, whatever inotify lost."""
    assert until_next_s() == 1.0


def test_news_bring_the_next_scan_forward_and_are_not_forgotten() -> None:
    """News right after a scan wait a fifth of a second, not for the next news."""
    scans, clock = scanned()
    assert not scans.is_due(was_woken=True, is_wanted=False)
    clock.sleep(0.25)
    assert scans.is_due(was_woken=False, is_wanted=False)


def test_long_scans_come_less_often_up_to_a_bound() -> None:
    """A thousand files cost no more of the time than a hundred; two seconds is the most."""
    assert until_next_s(0.01) == 1.5
    assert until_next_s(5.0) == 2.0
    assert until_next_s(5.0, is_wanted=True) == 0.2
