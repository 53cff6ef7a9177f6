"""The bucket's lifecycle rules: what they would do to backups, whatever form they are told in."""

from __future__ import annotations

import json
import shlex
from datetime import UTC, datetime
from typing import Any

import pytest

from vawsum_agent.backup.doctor.lifecycle import Wanted, command, judge, rules_to_set
from vawsum_agent.core.finding import Severity

WANTED = Wanted("vawsum-backups", "mysql/", "production-db", 15)
MARK = {"Key": "vawsum-expire", "Value": "true"}
EXPIRE: dict[str, Any] = {"ID": "e", "Status": "Enabled", "Filter": {"Tag": MARK}, "Expiration": {"Days": 15}}
TIDY: dict[str, Any] = {
    "ID": "t",
    "Status": "Enabled",
    "Filter": {},
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2},
    "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
}


def of(told: dict[str, Any], **days: Any) -> dict[str, Any]:  # noqa: ANN401 - the API's own
    """A live rule with a filter."""
    return {"ID": "x", "Status": "Enabled", "Filter": told, "Expiration": {"Days": 15}} | days


def wrong(*rules: dict[str, Any], wanted: Wanted = WANTED) -> list[tuple[Severity, str]]:
    """What is not well."""
    return [(found.severity, found.what) for found in judge(rules, wanted) if found.severity is not Severity.OK]


@pytest.mark.parametrize(
    "told",
    [
        {"Tag": MARK},
        {"And": {"Tags": [MARK]}},
        {"And": {"Prefix": "", "Tags": [MARK]}},
        {"And": {"Prefix": "mysql/", "Tags": [MARK]}},
        {"And": {"Prefix": "mysql/production-db/", "Tags": [MARK]}},
    ],
)
def test_rule_that_does(told: dict[str, Any]) -> None:
    """Every way to name what is marked below our prefix, or in the whole bucket, will do."""
    (found,) = judge([of(told), TIDY], WANTED)
    assert found.severity is Severity.OK
    assert found.what == "backups marked vawsum-expire=true are removed after 15 days, and no others"


@pytest.mark.parametrize(
    "told",
    [
        {"And": {"Prefix": "other/", "Tags": [MARK]}},
        {"And": {"Prefix": "mysql/production-db/2026", "Tags": [MARK]}},
        {"And": {"Tags": [MARK, {"Key": "also", "Value": "this"}]}},
        {"And": {"Tags": [MARK], "ObjectSizeGreaterThan": 1000}},
        {"Tag": {"Key": "vawsum-expire", "Value": "yes"}},
    ],
)
def test_rule_that_misses(told: dict[str, Any]) -> None:
    """One that is about other objects, or about some of ours only, removes none or leaves some."""
    ((severity, what),) = wrong(of(told), TIDY)
    assert severity is Severity.WARNING
    assert what == "backups marked vawsum-expire=true are never removed, and cost for ever: no rule does"


def test_rule_that_is_off() -> None:
    """Does nothing, and is told of; a dangerous one that is off is no danger."""
    off = EXPIRE | {"Status": "Disabled"}
    ((_, what),) = wrong(off, TIDY)
    assert what.endswith("the rule for them is switched off")
    assert wrong(EXPIRE, TIDY, of({}, Status="Disabled")) == []


@pytest.mark.parametrize(
    ("days", "severity", "said"),
    [(14, Severity.PROBLEM, "may be removed after 14 days"), (16, Severity.WARNING, "removed after 16 days only")],
)
def test_other_days(days: int, severity: Severity, said: str) -> None:
    """Too early loses what was promised, too late only costs."""
    ((found, what),) = wrong(EXPIRE | {"Expiration": {"Days": days}}, TIDY)
    assert (found, said in what) == (severity, True)
    assert "retention_days = 15" in what


def test_the_earliest_of_several_counts() -> None:
    """Of two rules for the same objects S3 goes by the earlier one."""
    ((severity, _),) = wrong(EXPIRE | {"Expiration": {"Days": 3}}, EXPIRE, TIDY)
    assert severity is Severity.PROBLEM


@pytest.mark.parametrize(
    "rule",
    [
        of({}),
        of({"Prefix": ""}),
        of({"Prefix": "mysql/"}),
        of({"Prefix": "mysql/production-db/2026"}),
        of({"ObjectSizeGreaterThan": 1 << 30}),
        of({"And": {"Prefix": "mysql/", "ObjectSizeLessThan": 1 << 30}}),
        {"ID": "x", "Status": "Enabled", "Prefix": "", "Expiration": {"Days": 15}},
        {"ID": "x", "Status": "Enabled", "Prefix": "mysql", "Expiration": {"Days": 15}},
        of({}, Expiration={"Date": datetime(2026, 1, 31, tzinfo=UTC)}),
    ],
)
def test_rule_that_deletes_unmarked_backups(rule: dict[str, Any]) -> None:
    """Whatever form it has: named, a problem, and not part of what is to be set."""
    ((severity, what),) = wrong(EXPIRE, TIDY, rule)
    assert severity is Severity.PROBLEM
    assert what.startswith("rule 'x' removes backups ")
    (found, *_) = judge([EXPIRE, TIDY, rule], WANTED)
    assert "x" not in [row.get("ID") for row in to_set(found.remedy)]


@pytest.mark.parametrize(
    "rule",
    [
        of({"Prefix": "logs/"}),
        of({"Prefix": "mysql/production-db2/"}),
        of({"Tag": {"Key": "temporary", "Value": "true"}}),
        of({}, Expiration={"ExpiredObjectDeleteMarker": True}),
        of({}, Expiration={}, Transitions=[{"Days": 30, "StorageClass": "STANDARD_IA"}]),
        {"ID": "x", "Status": "Enabled", "Prefix": "logs/", "Expiration": {"Days": 1}},
    ],
)
def test_rule_about_something_else(rule: dict[str, Any]) -> None:
    """Is none of ours: all is well with it, and it stays in what is to be set."""
    assert wrong(EXPIRE, TIDY, rule) == []
    (found,) = [row for row in to_set(command([rule], WANTED)) if row["ID"] == "x"]
    told = {name: value for name, value in rule.items() if name != "Prefix"}
    assert found == {"Filter": {"Prefix": "logs/"}} | told  # S3 takes no configuration of both forms


@pytest.mark.parametrize("storage_class", ["GLACIER", "DEEP_ARCHIVE"])
def test_rule_that_puts_backups_out_of_reach(storage_class: str) -> None:
    """What takes hours to read can't be restored within two."""
    rule = of({}, Expiration={}, Transitions=[{"Days": 3, "StorageClass": storage_class}])
    ((severity, what),) = wrong(EXPIRE, TIDY, rule)
    assert (severity, storage_class in what) == (Severity.WARNING, True)


@pytest.mark.parametrize(
    "tidy",
    [
        TIDY | {"Filter": {"Prefix": "mysql/production-db/2026"}},
        TIDY | {"Filter": {"Prefix": "other/"}},
        TIDY | {"Status": "Disabled"},
        TIDY | {"Filter": {"Tag": MARK}},
    ],
)
def test_what_nobody_tidies(tidy: dict[str, Any]) -> None:
    """Parts of unfinished uploads, and versions, each told of."""
    found = wrong(EXPIRE, tidy)
    assert [severity for severity, _ in found] == [Severity.WARNING, Severity.WARNING]
    assert "parts of backups" in found[0][1]
    assert "noncurrent version" in found[1][1]


def test_bucket_without_versions() -> None:
    """Has none to tidy; where that is not known nothing is said of it."""
    tidy = {name: value for name, value in TIDY.items() if name != "NoncurrentVersionExpiration"}
    for is_versioned in (False, None):
        assert wrong(EXPIRE, tidy, wanted=Wanted("b", "mysql/", "s", 15, is_versioned)) == []


@pytest.mark.parametrize("prefix", ["mysql/", ""])
def test_what_is_to_be_set_is_well(prefix: str) -> None:
    """The printed rules are judged well, whatever was there before, and setting them twice changes nothing."""
    wanted = Wanted("vawsum-backups", prefix, "production-db", 40)
    before = [of({}), EXPIRE, TIDY | {"Status": "Disabled", "ID": "it's mine"}]
    (found, *_) = judge(before, wanted)
    rules = to_set(found.remedy)
    assert wrong(*rules, wanted=wanted) == []
    assert to_set(command(rules, wanted)) == rules
    assert rules[-2:] == rules_to_set(wanted)
    assert rules[0]["ID"] == "it's mine"


def test_bucket_without_rules() -> None:
    """One command sets all that is missing."""
    found = judge([], WANTED)
    assert len({row.remedy for row in found}) == 1
    assert to_set(found[0].remedy) == rules_to_set(WANTED)


def to_set(remedy: str) -> list[dict[str, Any]]:
    """The rules that a printed command sets, as a shell would pass them."""
    words = shlex.split(remedy)
    assert words[:5] == ["aws", "s3api", "put-bucket-lifecycle-configuration", "--bucket", words[4]]
    rules: list[dict[str, Any]] = json.loads(words[-1])["Rules"]
    return rules
