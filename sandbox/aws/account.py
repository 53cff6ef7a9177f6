"""The one account, region and instance that everything in the sandbox belongs to."""

from __future__ import annotations

ACCOUNT_ID = "123456789012"
REGION = "ap-south-1"
INSTANCE_ID = "i-0123456789abcdef0"
PRINCIPAL = f"arn:aws:sts::{ACCOUNT_ID}:assumed-role/vawsum-agent/i-0sandbox"
TOPIC_ARN = f"arn:aws:sns:{REGION}:{ACCOUNT_ID}:vawsum-ops"
"""The topic that exists unless the settings say otherwise."""
KMS_KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT_ID}:key/5a4d6b0e-0000-4000-8000-000000000001"
"""The KMS key that exists unless the settings say otherwise."""
ACCESS_KEY_ID = "AKIASANDBOX000000000"
SECRET_ACCESS_KEY = "sandbox"
"""What `Sandbox.environment()` gives out; S3 computes signatures only for these, as it knows no other secret."""
