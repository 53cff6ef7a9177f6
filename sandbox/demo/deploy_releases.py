"""The releases of the deploys scene, as an application's folder before it is published."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.host.fleet import PAGES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

WARM_COUNT = 40
FAILS_EACH = 20

# Each request is counted by the release itself; the first ones are well, as are those of its health check.
_FAILING = f"""<?php
$file = fopen(__DIR__ . '/var/count', 'c+');
flock($file, LOCK_EX);
$count = 1 + (int) stream_get_contents($file);
rewind($file);
fwrite($file, (string) $count);
fclose($file);
if ($count > {WARM_COUNT} && $count % {FAILS_EACH} === 0) {{
    http_response_code(500);
}}
echo getenv('INSTANCE_ID'), ' ', basename(__DIR__);
"""

GOOD: Mapping[str, str] = {**PAGES, "about.php": "<?php echo 'all about the school';\n"}
BROKEN: Mapping[str, str] = {name: text for name, text in PAGES.items() if name != "healthz"}
FAILING: Mapping[str, str] = {**PAGES, "index.php": _FAILING, "deploy.toml": 'writable = ["var"]\n'}


def write_application(folder: Path, pages: Mapping[str, str]) -> None:
    """Put an application where nothing is yet."""
    folder.mkdir(parents=True)
    for name, text in pages.items():
        (folder / name).write_text(text)
