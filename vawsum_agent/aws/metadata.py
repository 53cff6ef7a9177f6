"""The instance metadata service, version 2 only (a token by PUT, then GET; AWS: *Use IMDSv2*)."""

from __future__ import annotations

import http.client
import os
import urllib.parse

_DEFAULT_ENDPOINT = "http://169.254.169.254"
_TIMEOUT_S = 1.0
_TOKEN_TTL_S = 300
_MAX_ANSWER_BYTES = 64 << 10


class InstanceMetadata:
    """Answers None wherever there is no such service or no such entry; never raises, never takes more than seconds."""

    def __init__(self, endpoint: str | None = None) -> None:
        self._endpoint = endpoint or os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or _DEFAULT_ENDPOINT
        self._is_disabled = os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true"

    def instance_id(self) -> str | None:
        """Name this instance, such as ``i-0abc``."""
        return self.get("instance-id")

    def region(self) -> str | None:
        """Name the region this instance runs in."""
        return self.get("placement/region")

    def get(self, entry: str) -> str | None:
        """Read one entry below ``/latest/meta-data/``."""
        if self._is_disabled:
            return None
        try:
            token = self._request(
                "PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": str(_TOKEN_TTL_S)}
            )
            if token is None:
                return None
            return self._request("GET", f"/latest/meta-data/{entry}", {"X-aws-ec2-metadata-token": token})
        except (OSError, http.client.HTTPException, ValueError):
            return None

    def _request(self, method: str, path: str, headers: dict[str, str]) -> str | None:
        url = urllib.parse.urlsplit(self._endpoint)
        connection = http.client.HTTPConnection(url.hostname or "", url.port or 80, timeout=_TIMEOUT_S)
        try:
            connection.request(method, url.path.rstrip("/") + path, headers=headers)
            answer = connection.getresponse()
            body = answer.read(_MAX_ANSWER_BYTES)
            return body.decode("ascii").strip() if answer.status == http.HTTPStatus.OK else None
        finally:
            connection.close()
