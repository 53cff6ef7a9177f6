"""What the server said of views, as findings; asked of a real one elsewhere."""

from __future__ import annotations

import pytest

from vawsum_agent.backup.doctor.views import MOST_ASKED, BrokenView, Views, of_views
from vawsum_agent.core.finding import Severity


@pytest.mark.parametrize(
    ("code", "said", "remedy"),
    [
        (
            1370,
            "execute command denied to user 'backup'@'localhost' for routine 'school.odd`.f'",
            "GRANT EXECUTE ON FUNCTION `school`.`odd``.f` TO 'backup'@'localhost'",
        ),
        (
            1370,
            "something else",
            "GRANT EXECUTE ON FUNCTION on the function that the view calls, to the account that dumps",
        ),
        (1142, "SELECT command denied", "grant the account what the server says it lacks"),
        (1449, "The user specified as a definer does not exist", "mend or drop it: DROP VIEW `school`.`v``w`"),
    ],
)
def test_remedies(code: int, said: str, remedy: str) -> None:
    """What the account lacks is granted, as far as the server names it; what is broken is mended."""
    (found,) = of_views(Views([BrokenView("school", "v`w", code, said)]), "here")
    assert (found.severity, found.remedy) == (Severity.PROBLEM, remedy)
    assert found.what == f"a dump fails at view school.v`w: {said} ({code})"


def test_many() -> None:
    """The first ten are told, the others counted; so are those that nobody asked for."""
    broken = [BrokenView("school", f"v{number}", 1356, "references invalid table(s)") for number in range(12)]
    *told, more, unasked = of_views(Views(broken, 7), "here")
    assert len(told) == 10
    assert (more.what, bool(more.remedy)) == ("a dump fails at 2 more views", True)
    assert (unasked.severity, unasked.what) == (
        Severity.OK,
        f"7 views were not looked at, only the first {MOST_ASKED:,}",
    )
