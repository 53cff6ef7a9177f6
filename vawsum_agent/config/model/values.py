"""The types that values have in all tables, beside those of TOML."""

from __future__ import annotations

from typing import Annotated, NewType

from msgspec import Meta

from vawsum_agent.config.rules import ABSOLUTE, HTTP_URL

Seconds = NewType("Seconds", float)
"""A duration, written as ``"2s"``."""

Bytes = NewType("Bytes", int)
"""A size, written as ``"16MiB"``."""

NonEmpty = Annotated[str, Meta(min_length=1)]
AbsolutePath = Annotated[str, Meta(min_length=1), ABSOLUTE]
HttpUrl = Annotated[str, Meta(min_length=1), HTTP_URL]
