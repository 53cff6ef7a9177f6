"""The one account, region and instance that everything in the sandbox belongs to."""

from __future__ import annotations

ACCOUNT_ID = "123456789012"
REGION = "ap-south-1"
INSTANCE_ID = "i-0123456789abcdef0"
PRINCIPAL = f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/vawsum-agent/i-0sandbox"
TOPIC_ARN = f"arn:aws:sns:{REGION}:{ACCOUNT_ID}:vawsum-ops"
"""The topic that exists unless the settings say otherwise."""
