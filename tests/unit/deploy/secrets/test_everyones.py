"""A hook of one application can read another's secrets: all that is on the host is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.deploy.secrets.vault import Vault
from vawsum_agent.deploy.layout import AppFolder
from vawsum_agent.deploy.secrets import fetch_secrets
from vawsum_agent.deploy.secrets.everyones import everyones_values

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW = "20261128T101500Z-4f2a91c", "20261129T101500Z-8c31d02"


def application(folder: Path, **passwords: str) -> AppFolder:
    """One whose releases have these passwords."""
    app = AppFolder(folder)
    for release, password in passwords.items():
        vault = Vault()
        vault.put("config/.env", f"DB_PASSWORD={password}\n".encode())
        fetch_secrets(
            vault,
            app,
            {"old": OLD, "new": NEW}[release],
            group="www-data",
            renew=True,
            say=lambda _: None,
            sleep=lambda _: None,
        )
    return app


def test_values_of_all_applications_and_releases(tmp_path: Path) -> None:
    """Also of releases that are not served; an application without secrets, or without a folder, has none."""
    apps = [
        application(tmp_path / "web", old="hunter2-old", new="hunter2-new"),
        application(tmp_path / "shop", new="sesame-1234"),
        application(tmp_path / "nowhere"),
    ]
    values = {b"hunter2-old", b"hunter2-new", b"sesame-1234"}
    assert everyones_values(apps) & values == values
    assert everyones_values(apps[2:]) == set()


def test_damage_of_another_application_is_no_concern(tmp_path: Path) -> None:
    """Its values are found without its pins, and nothing is raised or followed where what is there is no secret."""
    web = application(tmp_path / "web", new="hunter2-new")
    shop = application(tmp_path / "shop", old="sesame-old", new="sesame-new")
    (shop.journal / "secrets" / f"{NEW}.json").write_bytes(b"{")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("DB_PASSWORD=not-a-secret-of-ours\n")
    (shop.secrets / NEW / "link").symlink_to(elsewhere)
    (shop.secrets / "file").write_text("DB_PASSWORD=nothing\n")
    assert {one for one in everyones_values([web, shop]) if b"=" not in one} == {
        b"hunter2-new",
        b"sesame-old",
        b"sesame-new",
    }
    (tmp_path / "file").touch()
    broken = AppFolder(tmp_path / "file")
    assert everyones_values([broken, web]) == everyones_values([web])
