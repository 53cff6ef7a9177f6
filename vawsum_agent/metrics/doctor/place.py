"""Leaves the place out of a message where the finding names it anyway. Pure."""

from __future__ import annotations

import re


def without_place(message: str, place: str) -> str:
    """Take ``place`` out of a message, with the word that leads to it: ``line 3 of /x.cnf is …`` → ``line 3 is …``."""
    name = re.escape(place)
    return re.sub(rf"^{name}:? |(?: (?:of|in|at|on))? {name}(?=[ :,]|$)", "", message, count=1)
