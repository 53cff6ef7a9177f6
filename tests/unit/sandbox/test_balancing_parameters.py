"""Forms of the query protocol are read strictly: what the service would not understand is a violation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.aws.answers import ServiceError
from sandbox.aws.balancing.hosts import Hosts
from sandbox.aws.balancing.parameters import members, page, texts, truth, whole
from sandbox.aws.balancing.service import BalancingService
from sandbox.aws.balancing.target_group import GroupRules
from sandbox.aws.balancing.targets import Targets
from sandbox.aws.metadata import Metadata
from sandbox.aws.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

ARN = GroupRules(name="web").arn


def test_members_come_in_their_order() -> None:
    """By number, not by text; a plain member and one with fields."""
    form = {f"L.member.{number}.Id": f"i-{number}" for number in (10, 2, 1, 3, 4, 5, 6, 7, 8, 9)}
    assert [row["Id"] for row in members({**form, "L.member.1.Port": "80"}, "L")] == [f"i-{n}" for n in range(1, 11)]
    assert texts({"L.member.1": "a", "L.member.2": "b"}, "L", 2, "letters") == ["a", "b"]
    assert members({"Other.member.1": "a", "L": ""}, "L") == []


@pytest.mark.parametrize(
    "read",
    [
        lambda: members({"L.member.2": "a"}, "L"),
        lambda: members({"L.member.x": "a"}, "L"),
        lambda: members({"L": "a"}, "L"),
        lambda: texts({"L.member.1.Id": "a"}, "L", 5, "letters"),
        lambda: texts({"L.member.1": "a", "L.member.2": "b"}, "L", 1, "letters"),
        lambda: whole("65536", "port", 1, 65_535),
        lambda: whole("-1", "port", 1, 65_535),
        lambda: whole("٣", "port", 1, 65_535),
        lambda: truth({"Should": "True"}, "Should"),
        lambda: truth({}, "Should"),
        lambda: page([1, 2], {"Marker": "3"}, token="Marker", size="PageSize", limit_count=5),
        lambda: page([1, 2], {"PageSize": "6"}, token="Marker", size="PageSize", limit_count=5),
    ],
)
def test_what_is_wrong_is_a_violation(read: Callable[[], object]) -> None:
    """A correct client sends none of it."""
    with pytest.raises(ServiceError) as caught:
        read()
    assert caught.value.is_violation


def test_pages_lead_through_all_rows() -> None:
    """Each page names the next until the last, and may hold fewer rows than were asked for."""
    rows, found, params = list(range(7)), [], {"PageSize": "3"}
    while True:
        part, following = page(rows, params, token="Marker", size="PageSize", limit_count=5, most_count=2)
        found.append(part)
        if not following:
            break
        params["Marker"] = following
    assert found == [[0, 1], [2, 3], [4, 5], [6]]


def test_iam_knows_the_group_only_where_it_changes() -> None:
    """Describing needs a star; registering is allowed by ARN (service authorization reference)."""
    service = BalancingService(Targets(Hosts(Metadata())), Settings())
    for operation in service.operations:
        subject = service.subject(operation, {"TargetGroupArn": ARN}, "r")
        assert subject.resource == ("*" if operation.startswith("Describe") else ARN)
        assert subject.group == "web"
