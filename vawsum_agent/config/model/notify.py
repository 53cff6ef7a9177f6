"""``[notify]`` as frozen values."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from vawsum_agent.config.model.values import NonEmpty
from vawsum_agent.config.rules import TOPIC_ARN


class NotifyConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``[notify]``: who is told when something turns bad, and when it is well again."""

    sns_topic_arn: Annotated[NonEmpty, TOPIC_ARN, Meta(description="an SNS topic that people are subscribed to")]
