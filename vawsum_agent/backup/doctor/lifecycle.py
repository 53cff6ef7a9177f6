"""Whether the bucket removes what may go, after the days that are promised, and nothing else. Pure.

Retention is the bucket's: the host marks with a tag what newer verified backups have made superfluous, and has no right
to delete. So the bucket has to have the rule, and must have none that removes backups unmarked.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vawsum_agent.backup.doctor.scope import Scope, scope_of
from vawsum_agent.backup.publish.catalog import EXPIRE_TAG
from vawsum_agent.core.finding import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Rule = Mapping[str, Any]

_MARK = frozenset({(EXPIRE_TAG, "true")})
_UNFINISHED_DAYS = 2
_LONGEST_UNFINISHED_DAYS = 14
_VERSIONS_DAYS = 30
_SLOW_CLASSES = frozenset({"GLACIER", "DEEP_ARCHIVE"})
"""An object in one of these is asked for hours before it can be read."""

_EXPIRE_ID = "vawsum-backups-expire"
_TIDY_ID = "vawsum-backups-tidy"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the configuration promises of the bucket.

    Attributes:
        server: the name of this host's data.
        is_versioned: None where it may not be looked at.
    """

    bucket: str
    prefix: str
    server: str
    retention_days: int
    is_versioned: bool | None = True

    @property
    def folder(self) -> str:
        """In which this host's backups lie."""
        return f"{self.prefix}{self.server}/"


def judge(rules: Sequence[Rule], wanted: Wanted) -> list[Finding]:
    """Hold the bucket's rules to what the configuration promises.

    Args:
        rules: of the bucket, as GetBucketLifecycleConfiguration names their parts; none where it has no configuration.
        wanted: of them.

    Returns:
        One finding where all is well; else one for each thing that is not, all with the same remedy.
    """
    live = [(rule, scope_of(rule)) for rule in rules if rule.get("Status") == "Enabled"]
    wrong = [*_dangers(live, wanted), *_expiry(rules, live, wanted), *_tidiness(live, wanted)]
    where = f"lifecycle of s3://{wanted.bucket}"
    if not wrong:
        what = f"backups marked {EXPIRE_TAG}=true are removed after {wanted.retention_days} days, and no others"
        return [Finding(Severity.OK, what, where)]
    remedy = command(rules, wanted)
    return [Finding(severity, what, where, remedy) for severity, what in wrong]


_Wrong = tuple[Severity, str]


def _dangers(live: Sequence[tuple[Rule, Scope]], wanted: Wanted) -> Iterator[_Wrong]:
    """Rules that take backups away, or out of reach, whether or not there are newer ones."""
    for rule, scope in live:
        if not scope.touches(wanted.folder):
            continue
        days = _expiration(rule)
        if days is not None and not scope.tags:
            what = f"{_named(rule)} removes backups {days} that nothing has marked: fifteen failed nights delete all"
            yield Severity.PROBLEM, what
        slow = sorted({str(move.get("StorageClass")) for move in rule.get("Transitions", ())} & _SLOW_CLASSES)
        if slow and scope.tags <= _MARK:
            yield Severity.WARNING, f"{_named(rule)} moves backups to {slow[0]}, where reading them takes hours"


def _expiry(rules: Sequence[Rule], live: Sequence[tuple[Rule, Scope]], wanted: Wanted) -> Iterator[_Wrong]:
    """The rule that removes what is marked."""
    days = [
        rule["Expiration"]["Days"]
        for rule, scope in live
        if _marks(scope, wanted) and rule.get("Expiration", {}).get("Days") is not None
    ]
    if not days:
        is_off = any(_marks(scope_of(rule), wanted) and rule.get("Status") != "Enabled" for rule in rules)
        why = "the rule for them is switched off" if is_off else "no rule does"
        what = f"backups marked {EXPIRE_TAG}=true are never removed, and cost for ever: {why}"
        yield Severity.WARNING, what
    elif min(days) < wanted.retention_days:
        what = f"backups may be removed after {min(days)} days, while retention_days = {wanted.retention_days}"
        yield Severity.PROBLEM, what
    elif min(days) > wanted.retention_days:
        what = f"backups are removed after {min(days)} days only, while retention_days = {wanted.retention_days}"
        yield Severity.WARNING, what


def _tidiness(live: Sequence[tuple[Rule, Scope]], wanted: Wanted) -> Iterator[_Wrong]:
    """What costs without being of use: parts of uploads that nobody completes, versions that were replaced."""
    covering = [rule for rule, scope in live if scope.covers(wanted.folder) and not scope.tags and not scope.has_sizes]
    unfinished = [
        int(rule["AbortIncompleteMultipartUpload"].get("DaysAfterInitiation", 0))
        for rule in covering
        if rule.get("AbortIncompleteMultipartUpload")
    ]
    if not unfinished or min(unfinished) > _LONGEST_UNFINISHED_DAYS:
        yield Severity.WARNING, "parts of backups whose host is gone are never thrown away, or late"
    if wanted.is_versioned and not any(rule.get("NoncurrentVersionExpiration") for rule in covering):
        yield Severity.WARNING, "what was removed or replaced stays as a noncurrent version, and costs for ever"


def _marks(scope: Scope, wanted: Wanted) -> bool:
    return scope.tags == _MARK and scope.covers(wanted.folder) and not scope.has_sizes


def _expiration(rule: Rule) -> str | None:
    """When a rule removes current objects, in words; None where it does not."""
    told = rule.get("Expiration", {})
    if told.get("Days") is not None:
        return f"after {told['Days']} days"
    return f"on {str(told['Date'])[:10]}" if told.get("Date") else None


def _named(rule: Rule) -> str:
    return f"rule {rule['ID']!r}" if rule.get("ID") else "a rule without ID"


def rules_to_set(wanted: Wanted) -> list[dict[str, Any]]:
    """Give the two rules that the backups need."""
    mark = {"Key": EXPIRE_TAG, "Value": "true"}
    everything = {"Prefix": wanted.prefix}
    return [
        {
            "ID": _EXPIRE_ID,
            "Status": "Enabled",
            "Filter": {"And": {"Prefix": wanted.prefix, "Tags": [mark]}} if wanted.prefix else {"Tag": mark},
            "Expiration": {"Days": wanted.retention_days},
        },
        {
            "ID": _TIDY_ID,
            "Status": "Enabled",
            "Filter": everything if wanted.prefix else {},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": _UNFINISHED_DAYS},
            "NoncurrentVersionExpiration": {"NoncurrentDays": _VERSIONS_DAYS},
        },
    ]


def command(rules: Sequence[Rule], wanted: Wanted) -> str:
    """Write the command that sets them. It takes the place of all rules: those that do no harm are in it again."""
    kept = [_as_filter(rule) for rule in rules if not _is_replaced(rule, wanted)]
    configuration = json.dumps({"Rules": [*kept, *rules_to_set(wanted)]}, default=_moment)
    return (
        f"aws s3api put-bucket-lifecycle-configuration --bucket {wanted.bucket}"
        f" --lifecycle-configuration {shlex.quote(configuration)}"
    )


def _is_replaced(rule: Rule, wanted: Wanted) -> bool:
    scope = scope_of(rule)
    if rule.get("ID") in {_EXPIRE_ID, _TIDY_ID} or _marks(scope, wanted):
        return True
    is_live = rule.get("Status") == "Enabled"
    return is_live and bool(list(_dangers([(rule, scope)], wanted)))


def _as_filter(rule: Rule) -> dict[str, Any]:
    """Write an old rule in the new form: S3 refuses a configuration that has both."""
    told = {name: value for name, value in rule.items() if name != "Prefix"}
    return told if "Filter" in told else told | {"Filter": {"Prefix": scope_of(rule).prefix}}


def _moment(value: object) -> str:
    """Write a date as the command takes it; botocore reads it as a datetime."""
    isoformat = getattr(value, "isoformat", None)
    return str(isoformat() if isoformat is not None else value)
