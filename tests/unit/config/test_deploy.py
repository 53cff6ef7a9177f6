"""``[deploy]``: applications and their releases. What could serve the wrong files refuses to start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.config.configurations import violations_of
from vawsum_agent.config.load import load

if TYPE_CHECKING:
    from pathlib import Path

APP = """[[deploy.app]]
name = "vawsum-web"
path = "/var/www/vawsum-web"
artifacts = "s3://vawsum-artifacts/vawsum-web/"
health_url = "http://127.0.0.1/healthz"
"""


def test_defaults(tmp_path: Path) -> None:
    """An app needs a name, a path, a place for its artifacts and a health page; the rest is what most want."""
    (tmp_path / "agent.toml").write_text(APP + "[deploy.app.guard]\n")
    deploy = load(tmp_path / "agent.toml").config.deploy
    assert deploy is not None
    (app,) = deploy.app
    assert (app.drain, app.min_healthy_peers, app.keep_releases) == ("auto", 1, 5)
    assert app.guard is not None
    assert (float(app.guard.window), app.guard.min_requests, app.guard.max_5xx_ratio) == (120, 50, 0.02)
    assert app.guard.required is False


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('name = "../web"', "name"),
        ('name = "a b"', "name"),
        ('path = "/"', "path"),
        ('path = "/var/www/../etc"', "path"),
        ('artifacts = "https://bucket/"', "artifacts"),
        ('artifacts = "s3://bucket/x"', "artifacts"),
        ('artifacts = "s3://bucket"', "artifacts"),
        ('artifacts = "s3://Bucket/"', "artifacts"),
        ('artifacts = "s3://bucket/../"', "artifacts"),
        ('secrets = "s3://vawsum-artifacts/vawsum-web/"', "secrets"),
        ('health_url = "file:///etc/passwd"', "health_url"),
        ('health_host = "a\\r\\nb"', "health_host"),
        ('proof_url = "ftp://127.0.0.1/"', "proof_url"),
        ("keep_releases = 1", "keep_releases"),
        ('drain = "yes"', "drain"),
        ("min_healthy_peers = -1", "min_healthy_peers"),
        ('reload = [""]', "reload[0]"),
        ("guard = {max_5xx_ratio = 2.0}", "guard.max_5xx_ratio"),
    ],
)
def test_refused(tmp_path: Path, line: str, key: str) -> None:
    """One violation, at the key that is wrong."""
    name = line.split(" ", maxsplit=1)[0]
    kept = [text for text in APP.splitlines() if not text.startswith(f"{name} =")]
    (violation,) = violations_of(tmp_path, "\n".join([*kept, line]) + "\n")
    assert violation.key == f"deploy.app[0].{key}"


@pytest.mark.parametrize(
    ("other", "key"),
    [
        (APP.replace("/var/www/vawsum-web", "/var/www/other"), "name"),
        (APP.replace('"vawsum-web"', '"b"').replace("/var/www/vawsum-web", "/var/www/vawsum-web/shared"), "path"),
    ],
)
def test_two_apps(tmp_path: Path, other: str, key: str) -> None:
    """Apps have names and folders of their own."""
    (violation,) = violations_of(tmp_path, APP + other)
    assert violation.key == f"deploy.app[1].{key}"


def test_no_app(tmp_path: Path) -> None:
    """A table without an app is no deploy."""
    (violation,) = violations_of(tmp_path, "[deploy]\n")
    assert violation.expected == "at least one [[deploy.app]]"
