"""Instance metadata, version 2 only: a token first, then plain texts by path."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import time
from typing import TYPE_CHECKING
from urllib.parse import unquote

from sandbox.aws.account import ACCOUNT_ID, INSTANCE_ID, REGION
from sandbox.aws.answers import Answer

if TYPE_CHECKING:
    from sandbox.aws.connection import Connection
    from sandbox.aws.wire import Head

ROLE = "vawsum-agent"
TOKEN_LIMIT_S = 21_600
CREDENTIALS_LIFE_S = 6 * 3600


def _initial(instance_id: str, address: str) -> dict[str, str]:
    document = {
        "accountId": ACCOUNT_ID,
        "availabilityZone": f"{REGION}a",
        "imageId": "ami-0sandbox",
        "instanceId": instance_id,
        "instanceType": "t3.medium",
        "privateIp": address,
        "region": REGION,
    }
    return {
        "meta-data/instance-id": instance_id,
        "meta-data/instance-type": "t3.medium",
        "meta-data/ami-id": "ami-0sandbox",
        "meta-data/hostname": f"ip-{address.replace('.', '-')}.internal",
        "meta-data/local-ipv4": address,
        "meta-data/placement/region": REGION,
        "meta-data/placement/availability-zone": f"{REGION}a",
        "meta-data/iam/security-credentials/": ROLE,
        "meta-data/iam/security-credentials": ROLE,
        "dynamic/instance-identity/document": json.dumps(document),
    }


class Metadata:
    """The metadata service of one instance. What isn't set answers 404, as `spot/instance-action` does for most."""

    def __init__(self, instance_id: str = INSTANCE_ID, address: str = "10.0.0.10") -> None:
        self._texts = _initial(instance_id, address)
        # The same for as long as the instance lives, and no other's.
        self._access_key_id = f"ASIA{hashlib.sha256(instance_id.encode()).hexdigest()[:16].upper()}"
        self._tokens: dict[str, float] = {}
        self._lock = threading.Lock()

    def set(self, path: str, value: str | None) -> None:
        """Set the text at a path below `/latest/`; None takes it away."""
        with self._lock:
            if value is None:
                self._texts.pop(path, None)
            else:
                self._texts[path] = value

    def get(self, path: str) -> str | None:
        """Return the text at a path below `/latest/`."""
        with self._lock:
            return self._texts.get(path)

    def handle(self, connection: Connection, head: Head) -> bool:
        """Answer one request."""
        connection.read_body(head)
        method, path, _ = head.start.split(" ", 2)
        answer = self._token(head) if path == "/latest/api/token" else self._text(method, path, head)
        connection.write(answer.encode())
        return True

    def _token(self, head: Head) -> Answer:
        if head.get("X-Forwarded-For"):
            return Answer(403, content_type="text/plain")
        if not head.start.startswith("PUT "):
            return Answer(405, content_type="text/plain")
        life = head.get("X-aws-ec2-metadata-token-ttl-seconds")
        if not life.isascii() or not life.isdigit() or not 1 <= int(life) <= TOKEN_LIMIT_S:
            return Answer(400, content_type="text/plain")
        token = secrets.token_urlsafe(40)
        with self._lock:
            self._tokens[token] = time.monotonic() + int(life)
        return Answer(200, token.encode(), "text/plain", (("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", life),))

    def _text(self, method: str, path: str, head: Head) -> Answer:
        with self._lock:
            is_known = self._tokens.get(head.get("X-aws-ec2-metadata-token"), 0.0) > time.monotonic()
            text = self._texts.get(unquote(path).removeprefix("/latest/"))
        if not is_known:
            return Answer(401, content_type="text/plain")
        if method != "GET":
            return Answer(405, content_type="text/plain")
        if path == f"/latest/meta-data/iam/security-credentials/{ROLE}":
            text = text or _credentials(self._access_key_id)
        return Answer(404, content_type="text/plain") if text is None else Answer(200, text.encode(), "text/plain")


def _credentials(access_key_id: str) -> str:
    now = time.time()
    return json.dumps(
        {
            "Code": "Success",
            "LastUpdated": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
            "Type": "AWS-HMAC",
            "AccessKeyId": access_key_id,
            "SecretAccessKey": secrets.token_urlsafe(30),
            "Token": secrets.token_urlsafe(90),
            "Expiration": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now + CREDENTIALS_LIFE_S)),
        }
    )
