"""What keeps pictures from moving: said within seconds, lost nothing, mended without a restart."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sandbox.aws.account import KMS_KEY_ARN
from tests.integration.images.moving.running import BUCKET, Uploads, assert_stored

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sandbox import Sandbox
    from tests.integration.images.moving.running import MovingAgent

SAID_WITHIN_S = 30.0
"""The tolerance is ten."""
MOVES_WITHIN_S = 60.0
"""The longest pause between two attempts, and some."""
OTHER_KEY = KMS_KEY_ARN[:-1] + "2"
SETTINGS: dict[str, dict[str, object]] = {
    "denied": {},
    "failing": {},
    "throttled": {},
    "slow": {},
    "missing": {"bucket": "vawsum-missing"},
    "wrong-key": {"kms_key_id": OTHER_KEY},
    "disabled-key": {"kms_key_id": KMS_KEY_ARN},
    "well": {},
}
SAID = {
    "denied": "AccessDenied",
    "failing": "InternalError",
    "throttled": "SlowDown",
    "missing": "NoSuchBucket",
    "wrong-key": "KMS.NotFound",
    "disabled-key": "KMS.Disabled",
}
HINTS = {"wrong-key": "KMS key", "disabled-key": "KMS key", "denied": "PutObject"}
PICTURES = 5


def folders(tmp_path: Path) -> dict[str, Uploads]:
    """A folder for each cause."""
    made = {name: Uploads(tmp_path / "site" / name) for name in SETTINGS}
    for uploads in made.values():
        for number in range(PICTURES):
            uploads.put(f"{number}.jpg")
    return made


def assert_all_stored(sandbox: Sandbox, made: dict[str, Uploads]) -> None:
    """Each picture of each folder is in its bucket."""
    for name, uploads in made.items():
        bucket = str(SETTINGS[name].get("bucket", BUCKET))
        assert_stored(sandbox, uploads.written, f"{name}/", bucket)


def test_every_cause_at_once(agent: MovingAgent, sandbox: Sandbox, tmp_path: Path, tell: Callable[[str], None]) -> None:
    """5xx, throttling, slow, `AccessDenied`, a missing bucket, a wrong or disabled key: files stay; backlog and cause
    in `status`; goes on by itself. A folder that is well goes on all the while.
    """  # noqa: D205 - the row as it stands in the table
    sandbox.enforce(None)  # the shipped policy knows one bucket
    sandbox.settings(kms_keys={KMS_KEY_ARN: "disabled"})
    for kind, name in (("deny", "denied"), ("failure", "failing"), ("throttle", "throttled")):
        sandbox.fault(kind, operation="s3:PutObject", group=f"{BUCKET}/{name}/*")
    sandbox.fault("bandwidth", operation="s3:PutObject", group=f"{BUCKET}/slow/*", bytes_per_s=1000)
    made = folders(tmp_path)
    agent.configure_all({name: (made[name], settings) for name, settings in SETTINGS.items()})
    agent.start_and_wait()
    begun = time.monotonic()
    agent.wait_until(lambda: not made["well"].local(), "the folder that is well moves")
    agent.wait_until(
        lambda: all(said in (agent.folder(name)["last_error"] or "") for name, said in SAID.items()),
        "each cause is said",
        SAID_WITHIN_S,
    )
    said_s = time.monotonic() - begun
    status = agent.images()
    assert status["state"] == "degraded"
    assert status["backlog_count"] >= PICTURES * len(SAID)
    for name, hint in HINTS.items():
        assert hint in agent.folder(name)["hint"]
    for name in SAID:
        assert agent.folder(name)["due_count"] == PICTURES
        assert made[name].local() == made[name].written
    agent.wait_until(lambda: not made["slow"].local(), "what is slow moves slowly")
    attempts = sum(sum(outcomes.values()) for outcomes in [sandbox.requests()["operations"]["PutObject"]])
    assert attempts < PICTURES * len(SETTINGS) + len(SAID) * 20  # with pauses, one by one

    sandbox.calm()
    sandbox.create_bucket("vawsum-missing")
    sandbox.settings(kms_keys={KMS_KEY_ARN: "enabled", OTHER_KEY: "enabled"})
    begun = time.monotonic()
    agent.wait_until(lambda: not any(uploads.local() for uploads in made.values()), "all move", MOVES_WITHIN_S)
    tell(f"each said after {said_s:.1f} s, mended after {time.monotonic() - begun:.1f} s; {attempts} requests")
    agent.wait_until(lambda: agent.images()["state"] == "running", "it is well by itself")
    assert_all_stored(sandbox, made)
