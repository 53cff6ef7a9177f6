"""`kill -9` before each thing that a fetch does to the disk: a release is whole or not there, and the next works."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.counts import count
from tests.unit.deploy.fetch.published import OTHER, RELEASE, Published, everything, fetch, site
from tests.unit.deploy.keep.killing import killed_everywhere
from vawsum_agent.deploy.fetch.leftovers import clear_leftovers
from vawsum_agent.deploy.fetch.verify import verify_seal

if TYPE_CHECKING:
    from vawsum_agent.deploy.layout import AppFolder


def expect_whole_or_nothing(app: AppFolder, whole: list[str]) -> None:
    """No release is half there."""
    if app.release(RELEASE).exists():
        assert verify_seal(app, RELEASE) == []
        assert set(whole) <= set(everything(app))


WAYS = [(False, False), (True, True), (False, True), (True, False)]


@pytest.mark.parametrize(("damaged", "clearing"), WAYS[: count(2, 4)])
def test_killed_everywhere(app: AppFolder, published: Published, *, damaged: bool, clearing: bool) -> None:
    """Whether it was there before, damaged, or not; and whether somebody clears in between, or the next fetch does."""
    published.put(site())
    published.put(site(), OTHER)
    fetch(published, app)
    fetch(published, app, OTHER)
    whole = everything(app)
    kills = 0

    def spoil() -> None:
        if damaged and app.release(RELEASE).exists():
            (app.release(RELEASE) / "deploy.toml").write_bytes(b"damaged")
        elif app.release(RELEASE).exists():
            app.release(RELEASE).rename(app.releases / f".{RELEASE}.partial")

    spoil()
    for number in killed_everywhere(lambda: fetch(published, app), str(app.path)):
        kills = number + 1
        if not damaged:
            expect_whole_or_nothing(app, whole)
        assert verify_seal(app, OTHER) == []
        if clearing:
            clear_leftovers(app)
            left = [
                name for name in everything(app) if OTHER not in name and not name.startswith(f"releases/{RELEASE}")
            ]
            assert left in ([], [f".vawsum/seals/{RELEASE}.json"])
        spoil()
    assert everything(app) == whole
    assert verify_seal(app, RELEASE) == []
    assert clear_leftovers(app) == []
    assert kills > 25
