"""Where a host finds what the packages bring along, for hints. Owns names alone: nothing is read here."""

from __future__ import annotations

SHARE = "/usr/share/vawsum-agent"
"""As the deb and the rpm install it (docs/installing.md). In a checkout it is in ``packaging/`` and ``etc/``."""

POLICIES = f"{SHARE}/iam"
"""Policy fragments for the instance role, one a capability."""

APACHE_STATUS = f"{SHARE}/etc/apache2/vawsum-status.conf"
PHP_STATUS = f"{SHARE}/etc/php/vawsum-status.conf"
