"""Which time the files of a release have."""

from __future__ import annotations

from pathlib import Path

import pytest

from vawsum_agent.core.errors import UsageError
from vawsum_agent.deploy.publish.work_copy import WITHOUT_COMMIT, WorkCopy, time_of

PLAIN = WorkCopy(Path("/x"))


def test_the_commits_own_time_comes_first() -> None:
    """Then what reproducible builds agreed on, then one that never changes."""
    told = {"SOURCE_DATE_EPOCH": "1764411300"}
    assert time_of(WorkCopy(Path("/x"), "4f2a91c0" * 5, 1_700_000_000), told) == 1_700_000_000
    assert time_of(PLAIN, told) == 1_764_411_300
    assert time_of(PLAIN, {}) == time_of(PLAIN, {"SOURCE_DATE_EPOCH": ""}) == WITHOUT_COMMIT


@pytest.mark.parametrize("text", ["soon", "-1", "1.5", "٣"])
def test_what_is_no_time_is_refused(text: str) -> None:
    """Rather than taken for another one."""
    with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH"):
        time_of(PLAIN, {"SOURCE_DATE_EPOCH": text})
