"""What is written into Apache's configuration stands for itself."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.images.serve.quoting import in_pattern, in_test_string

TEXTS = st.text(st.characters(exclude_categories=("C", "Zl", "Zp", "Zs"), include_characters=" \\\"'%$#{}")).filter(
    lambda text: text.isprintable()
)


@given(TEXTS)
def test_pattern(text: str) -> None:
    """A pattern matches the text and nothing else, and holds nothing that a line, quotes or a delimiter are made of."""
    pattern = in_pattern(text)
    assert re.fullmatch(pattern, text)
    assert not set(pattern) & set(" \"'#%${}<>")


@given(TEXTS)
def test_test_string(text: str) -> None:
    """Without its backslashes it is the text again; nothing that mod_rewrite expands or cuts at stands without one."""
    written = in_test_string(text)
    assert re.sub(r"\\(.)", r"\1", written) == text
    assert "${" not in written
    assert not set(re.sub(r"\\.", "", written)) & set(" \t\"'%$\\")


def test_plain_paths_are_left_as_they_are() -> None:
    """What most folders are called can be read."""
    assert in_test_string("/var/www/vawsum-web/shared/uploads_2.d") == "/var/www/vawsum-web/shared/uploads_2.d"
    assert in_pattern("/media/pictures-2/") == "/media/pictures-2/"
