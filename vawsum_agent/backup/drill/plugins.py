"""Plugins of authentication: an account that logs in by one can't be created where it is not loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.backup.drill import shell

if TYPE_CHECKING:
    from pathlib import Path

    from vawsum_agent.backup.drill.programs import Flavour, Programs

_NAMES: dict[Flavour, tuple[str, ...]] = {
    "mariadb": ("auth_ed25519", "auth_gssapi", "auth_pam", "auth_parsec"),
    "mysql": (
        "auth_socket",
        "authentication_ldap_sasl",
        "authentication_ldap_simple",
        "authentication_pam",
        "mysql_no_login",
    ),
}


def statements(flavour: Flavour) -> bytes:
    """Write what loads each of them. Pure."""
    if flavour == "mariadb":
        sql = [f"INSTALL SONAME '{name}';\n" for name in _NAMES[flavour]]
    else:
        sql = [f"INSTALL PLUGIN {name} SONAME '{name}.so';\n" for name in _NAMES[flavour]]
    return "".join(sql).encode()


def load_plugins(programs: Programs, option_file: Path) -> None:
    """Load those that are installed on this host into the server that an option file names; others stay away."""
    shell.run(programs, option_file, statements(programs.flavour))
