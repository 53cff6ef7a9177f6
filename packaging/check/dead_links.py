"""Finds dead links in the repository's Markdown: files that do not exist and headings that nobody wrote.

Addresses on the web are left alone: a check must not depend on somebody else's server.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

LINK = re.compile(r"(?<!`)\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)")
HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
SCHEME = re.compile(r"^[a-z][a-z0-9+.-]*:")


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    found: set[str] = set()
    for heading in HEADING.findall(FENCE.sub("", text)):
        plain = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        repeated = plain
        count = 0
        while repeated in found:
            count += 1
            repeated = f"{plain}-{count}"
        found.add(repeated)
    return found


def dead_links(page: Path) -> list[str]:
    """The targets in ``page`` that lead nowhere."""
    text = page.read_text(encoding="utf-8")
    dead: list[str] = []
    for target in LINK.findall(FENCE.sub("", text)):
        if SCHEME.match(target):
            continue
        name, _, anchor = target.partition("#")
        file = page.parent / name if name else page
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file.read_text("utf-8"))):
            dead.append(target)
    return dead


def main() -> int:
    """Print each dead link with its page; 1 when there is any."""
    listed = subprocess.run(
        [  # noqa: S607 - git is found where the caller's PATH has it
            "git",
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "*.md",
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    pages = [Path(line) for line in listed.stdout.splitlines() if Path(line).exists()]
    dead = [f"{page}: {target}" for page in pages for target in dead_links(page)]
    for line in dead:
        print(f"dead link: {line}", file=sys.stderr)
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
