"""What can be turned while the sandbox runs, and its clock."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, fields

from sandbox.aws.account import KMS_KEY_ARN, TOPIC_ARN

RATE_LIMITS_PER_S: dict[str, float] = {
    "GetLogEvents": 25,
    "CreateLogGroup": 10,
    "CreateLogStream": 50,
    "DescribeLogGroups": 10,
    "DescribeLogStreams": 25,
    "PutLogEvents": 5_000,
    "PutMetricData": 500,
    "GetMetricStatistics": 400,
    "ListMetrics": 25,
    "Publish": 300,
    "PutObject": 3_500,
    "GetObject": 5_500,
}
"""The services' default quotas, per account and region; S3's are of one prefix and here of all."""


@dataclass(slots=True)
class Settings:
    """How the service behaves apart from faults.

    Attributes:
        visibility_delay_s: how long after acceptance GetLogEvents first shows an event.
        old_visibility_delay_s: the same for events stamped more than 24 hours back.
        empty_page_rate: how often GetLogEvents returns an empty page although more follow, 0 to 1.
        page_limit_count: how many events a page holds at most.
        clock_offset_s: how far the service's clock is ahead of this machine's.
        signature_window_s: how far a request's date may be off the service's clock.
        rate_limits_per_s: quotas by operation.
        topics: ARNs of the topics that exist.
        topic_subscription_count: how many confirmed subscriptions each of them has.
        auto_scaling_group: the group that the instance is in; empty for none.
        kms_keys: state by key id, ARN or alias: `enabled`, `disabled`, `pending-deletion`, or `denied` by its policy.
        target_group_page_limit_count: how many target groups a page holds at most, whatever was asked for.
        conflict_rate: how often a conditional write of S3 that meets another write of its key is refused, 0 to 1.
    """

    visibility_delay_s: float = 1.0
    old_visibility_delay_s: float = 3.0
    empty_page_rate: float = 0.25
    page_limit_count: int = 10_000
    clock_offset_s: float = 0.0
    signature_window_s: float = 300.0
    rate_limits_per_s: dict[str, float] = field(default_factory=RATE_LIMITS_PER_S.copy)
    topics: list[str] = field(default_factory=lambda: [TOPIC_ARN])
    topic_subscription_count: int = 1
    auto_scaling_group: str = ""
    kms_keys: dict[str, str] = field(default_factory=lambda: {KMS_KEY_ARN: "enabled"})
    target_group_page_limit_count: int = 400
    conflict_rate: float = 0.5

    def change(self, changes: dict[str, object]) -> None:
        """Take over new values; `rate_limits_per_s` and `kms_keys` are merged, not replaced.

        Raises:
            ValueError: a key is unknown or a value has the wrong type; nothing is changed then.
        """
        known = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        for key, value in changes.items():
            if key not in known:
                message = f"unknown setting {key!r}; known are {', '.join(known)}"
                raise ValueError(message)
            wanted = type(known[key])
            if not isinstance(value, (int, float) if wanted in {int, float} else wanted):
                message = f"bad value for {key}: {value!r}"
                raise ValueError(message)  # noqa: TRY004 - the admin API maps this one error to 400
        for key, value in changes.items():
            setattr(self, key, {**known[key], **value} if isinstance(value, dict) else value)

    def now_ms(self) -> int:
        """Return the service's time in milliseconds since the epoch."""
        return int((time.time() + self.clock_offset_s) * 1000)
