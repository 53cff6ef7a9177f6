"""What a configuration switches on is said in a line a capability."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.config.configurations import SOURCE, config_of
from vawsum_agent.config.summary import does_nothing, switched_on, warnings
from vawsum_agent.core.finding import Severity

if TYPE_CHECKING:
    from pathlib import Path

TOPIC = "arn:aws:sns:ap-south-1:123456789012:vawsum-ops"
NOTIFY = f'[notify]\nsns_topic_arn = "{TOPIC}"\n'


def test_everything_is_named(tmp_path: Path) -> None:
    """How many sources and which, what is measured and into which namespace, and who is told."""
    servers = '[metrics.apache]\n[metrics.mysql]\n[metrics.php_fpm]\nmore_status_urls = ["http://127.0.0.1/b?json"]\n'
    text = f'{SOURCE}[metrics]\nnamespace = "Web"\npublish_interval = "5m"\n{servers}{NOTIFY}'
    assert switched_on(config_of(tmp_path, text)) == [
        "logs: 1 source (access)",
        "metrics: the host, Apache, PHP-FPM (2 pools), MySQL, requests of the access logs; into Web every 5m",
        f"notifications: to {TOPIC}",
    ]


def test_folders_of_images(tmp_path: Path) -> None:
    """Images alone are work enough, and their folders are named."""
    folder = '[[images.folder]]\nname = "app"\npath = "/srv/a"\nbucket = "vawsum-images"\ndelete_local = false\n'
    config = config_of(tmp_path, folder + folder.replace("app", "old").replace("/srv/a", "/srv/b"))
    assert switched_on(config) == ["images: 2 folders (app, old)"]
    assert warnings(config, "agent.toml") == []


def test_requests_need_an_access_log(tmp_path: Path) -> None:
    """Requests are counted where access logs are followed and nobody has switched it off."""
    nothing_counted = ["metrics: the host; into CWAgent every 1m"]
    assert switched_on(config_of(tmp_path, "[metrics]")) == nothing_counted
    assert switched_on(config_of(tmp_path, f"[metrics]\nrequests = false\n{SOURCE}"))[1:] == nothing_counted
    assert switched_on(config_of(tmp_path, "[metrics]\n" + SOURCE.replace('"apache-access"', '"syslog"')))[1:] == (
        nothing_counted
    )


def test_nothing_is_warned_of(tmp_path: Path) -> None:
    """A configuration that gives the daemon no work is allowed, and hardly meant; so are notifications of nothing."""
    for text in ("", "[agent]\n", NOTIFY):
        config = config_of(tmp_path, text)
        assert does_nothing(config)
        (warning,) = warnings(config, "agent.toml")
        assert (warning.severity, warning.where) == (Severity.WARNING, "agent.toml")
        assert warning.remedy
    for text in (SOURCE, "[metrics]\n"):
        assert warnings(config_of(tmp_path, text), "agent.toml") == []
