"""Values of secrets: served by PHP, taken along by a rollback, and never seen anywhere else."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.host.fleet import PAGES
from tests.integration.deploy.deploying import SECOND, THIRD, DeployHost, publish, wait_until
from tests.integration.deploy.hostile.malice import BAD, NO_DRAIN, SECRETS, WITH_SECRETS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox import Sandbox
    from tests.integration.deploy.deploying import Ended

EARLY = {".env": "APP_ENV=production\nDB_PASSWORD=correct-horse-battery\n", "config/api.key": "key-4f2a91c08d\n"}
LATE = {".env": "APP_ENV=production\nDB_PASSWORD='an0ther/staple+=&'\n", "config/api.key": "key-e1f77ab302\n"}
SNIPPET = Path(__file__).parents[4] / "etc/apache2/vawsum-dotfiles.conf"
VALUES = ("correct-horse-battery", "key-4f2a91c08d", "an0ther/staple+=&", "key-e1f77ab302")

OTHER = "artifacts = 's3://artifacts/shop/'\nhealth_url = 'http://127.0.0.1:9/'\nreload = ['true']"
SHOW = {
    "index.php": "<?php echo file_get_contents(__DIR__ . '/.env'), file_get_contents(__DIR__ . '/config/api.key');\n"
}
PRINTS = (
    "cat .env config/api.key; cat .env >&2; base64 -w0 .env; echo; "
    'php -r \'echo json_encode(file_get_contents(".env")), rawurlencode(file_get_contents(".env"));\' 2>/dev/null; '
    "cat ../../secrets/*/.env; cat ../../secrets/*/config/api.key; set -x; : $(cat config/api.key)"
)
"""All that a hook can get at, the secrets of the release before among it, in several notations."""


def store(aws: Sandbox, secrets: dict[str, str]) -> None:
    """Store them anew, each in another version."""
    for name, text in secrets.items():
        aws.put_object(SECRETS, f"web/{name}", text.encode())


def telling(prints: str, *hooks: str) -> dict[str, str]:
    """Give a release whose hooks print."""
    file = "".join(f'[hooks.{name}]\nrun = """\n{prints}\n"""\n' for name in hooks)
    return {**PAGES, **SHOW, "deploy.toml": file.replace("\\", "\\\\")}


def said(aws: Sandbox, host: DeployHost, *ended: Ended) -> Iterator[tuple[str, str]]:
    """All that anybody may see of deploys, and where."""
    for one in ended:
        yield "stdout", one.out
        yield "stderr", one.error
    yield "history", host.run("deploy", "history", "--app", "web", "--json").out
    for root, _, names in os.walk(host.folder.journal):
        for name in names:
            path = os.path.join(root, name)  # noqa: PTH118 - os.walk
            with open(path, encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123 - likewise
                yield path, file.read()
    for notification in aws.notifications():
        yield "notification", f"{notification.subject}\n{notification.message}"
    for group, _, event in aws.all_events():
        yield group, event.message


def configure_reload(host: DeployHost) -> None:
    """Have servers reloaded by a command that prints secrets, and fails for one release with a secret as last words."""
    current = host.folder.current
    script = host.host.directory / "reload-and-tell"
    fails = f"case $(readlink {current}) in *{BAD}) cat {current}/config/api.key; exit 3;; esac"
    script.write_text(f"#!/bin/sh\ncat {current}/.env\n{fails}\n")
    script.chmod(0o755)
    host.config.write_text(host.config.read_text().replace("reload = [", f'reload = ["{script}", '))


def test_values_are_never_seen(aws: Sandbox, host: DeployHost) -> None:
    """Hooks and reloads print them, and fail; PHP has them, each release its own; a rollback takes back the early."""
    host.configure(WITH_SECRETS, top='[notify]\nsns_topic_arn = "arn:aws:sns:ap-south-1:123456789012:vawsum-ops"')
    configure_reload(host)
    aws.create_bucket(SECRETS)

    store(aws, EARLY)
    publish(aws, SECOND, telling(PRINTS, "fetched", "healthy"))
    first = host.deploy(SECOND)
    assert first.code == 0, first.error
    assert host.answer() == "".join(EARLY.values())

    store(aws, LATE)
    publish(aws, THIRD, telling("true", "fetched"))
    second = host.deploy(THIRD)
    assert second.code == 0, second.error
    assert host.answer() == "".join(LATE.values())

    publish(aws, BAD, telling(PRINTS, "fetched", "failed"))
    third = host.deploy(BAD)
    assert (third.code, third.document["failed_step"]) == (1, "reload"), third.error
    wait_until(aws.notifications, "people are told")
    assert host.answer() == "".join(LATE.values())

    fourth = host.run("deploy", "rollback", "--app", "web", "--json")
    assert fourth.code == 0, fourth.error
    assert (host.serves(), host.answer()) == (SECOND, "".join(EARLY.values()))

    seen = list(said(aws, host, first, second, third, fourth))
    assert [(where, value) for where, text in seen for value in VALUES if value in text] == []
    log = next(text for where, text in seen if where.endswith(f"{first.document['deploy_id']}.log"))
    assert "DB_PASSWORD=***" in log
    assert "APP_ENV=production" in log
    assert "***" in third.document["error"]


def test_values_of_another_application(aws: Sandbox, host: DeployHost) -> None:
    """A hook may read them, since its user is that application's, too; nor are they seen anywhere."""
    shop = host.host.directory / "shop"
    secret = shop / "secrets" / SECOND / ".env"
    secret.parent.mkdir(parents=True)
    secret.write_text("DB_PASSWORD=sesame-of-the-shop\n")
    secret.chmod(0o640)
    shutil.chown(secret, group="www-data")
    host.configure(f"{NO_DRAIN}\n[[deploy.app]]\nname = 'shop'\npath = '{shop}'\n{OTHER}")
    publish(aws, SECOND, telling(f"cat {secret} {secret} && echo read", "fetched"))
    ended = host.deploy(SECOND)
    assert ended.code == 0, ended.error
    seen = list(said(aws, host, ended))
    assert any("read" in text for _, text in seen)
    assert [where for where, text in seen if "sesame-of-the-shop" in text] == []


def test_doctor_asks_for_the_secrets(aws: Sandbox, host: DeployHost) -> None:
    """Apache hands out what lies in its document root; the snippet keeps what begins with a dot from it."""
    host.configure(WITH_SECRETS)
    aws.create_bucket(SECRETS)
    store(aws, EARLY)
    publish(aws, SECOND, telling("true", "fetched"))
    assert host.deploy(SECOND).code == 0
    assert handed_out(host) == [".env", "config/api.key"]
    apache = host.host.apache
    configuration = apache.directory / "apache.conf"
    before = configuration.read_text()
    configuration.write_text(f"{before}Include {SNIPPET}\n")
    try:
        apache.reopen_logs()
        wait_until(lambda: apache.get("/.env")[0] == 403, "dotfiles are denied")
        assert handed_out(host) == ["config/api.key"]
        assert apache.get("/index.php")[0] == 200
    finally:
        configuration.write_text(before)
        apache.reopen_logs()
        wait_until(lambda: apache.get("/.env")[0] == 200, "dotfiles are not denied")


def handed_out(host: DeployHost) -> list[str]:
    """The secrets that doctor found at the web server."""
    findings = json.loads(host.run("doctor", "--json").out)["findings"]
    return re.findall(r"the secret (\S+) is handed out", " ".join(finding["what"] for finding in findings))
