"""What visitors ask for: each visit carries an id, so that every log line it causes does."""

from __future__ import annotations

from typing import Literal, get_args

Visit = Literal["page", "script", "slow", "missing", "order"]
"""What a visitor asks for: a file, a PHP script, a slow one, a page that isn't there, an order that fails."""

VISITS: tuple[Visit, ...] = get_args(Visit)
PHP_VISITS = frozenset[Visit]({"script", "slow", "order"})
"""What PHP-FPM answers; without it, nobody does."""

SLOW_S = 1.2
AGENT = "Mozilla/5.0 (X11; Linux)"


def url_of(visit: Visit, number: str) -> str:
    """Return the path of a visit with its id."""
    return {
        "page": f"/page.html?id={number}",
        "script": f"/index.php?id={number}",
        "slow": f"/slow.php?id={number}",
        "missing": f"/gone/id={number}.html",
        "order": f"/order.php?id={number}",
    }[visit]
