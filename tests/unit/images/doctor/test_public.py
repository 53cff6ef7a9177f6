"""Doctor asks for a picture where visitors are sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.images.doctor.looking import only
from tests.unit.images.folders import folder_at
from vawsum_agent.core.finding import Severity
from vawsum_agent.images.doctor.public import head, public

FOLDER = folder_at(Path("/srv/uploads"), prefix="uploads/", public_url="https://images.test/uploads/")


@pytest.mark.parametrize(
    ("status", "severity"),
    [(200, Severity.OK), (403, Severity.WARNING), (404, Severity.WARNING), (500, Severity.WARNING)],
)
def test_status(status: int, severity: Severity) -> None:
    """Whatever is not the picture is told, with the address that was asked for: encoded, and below public_url."""
    asked: list[str] = []

    def answer(url: str) -> int:
        asked.append(url)
        return status

    found = public(FOLDER, ["uploads/read.me", "uploads/2026/ä +.JPG", "uploads/b.jpg"], answer)
    assert found is not None
    only([found], severity)
    assert asked == [found.where] == ["https://images.test/uploads/2026/%C3%A4%20%2B.JPG"]


def test_no_answer() -> None:
    """A host that may not reach the CDN is no proof against it."""
    found = public(folder_at(Path("/srv"), public_url="http://127.0.0.1:9/"), ["a.jpg"], head)
    assert found is not None
    assert "Connection refused" in only([found], Severity.WARNING).what


def test_nothing_to_ask_for() -> None:
    """An empty bucket, or a folder without an address."""
    assert public(FOLDER, ["uploads/read.me"], lambda _: 200) is None
    assert public(folder_at(Path("/srv"), delete_local=False), ["a.jpg"], lambda _: 200) is None
