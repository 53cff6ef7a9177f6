"""How a text stands for itself in Apache's configuration. Pure.

mod_rewrite cuts its lines itself and knows no escaped quotes, so nothing here is quoted: what means something to any
of the readers on the way (the line, ``${DEFINE}``, the directive, PCRE) is escaped by itself. Nobody can break out
but with a line break, which the caller has refused.
"""

from __future__ import annotations

import re

_PLAIN_IN_PATTERN = re.compile(r"[A-Za-z0-9/_\-~\u0080-\U0010ffff]")
_MEANS_SOMETHING = re.compile(r"[^A-Za-z0-9/_.\-~+,:;=@\u0080-\U0010ffff]")


def in_pattern(text: str) -> str:
    r"""Write what a regular expression matches literally: ``\.`` for a dot, ``\x20`` for a space."""
    return "".join(_matched(character) for character in text)


def in_test_string(text: str) -> str:
    r"""Write it for the first argument of RewriteCond, unquoted: a backslash before all that is not plain.

    ``\$\{`` instead of ``\${``: the configuration's own variables know no backslash.
    """
    return _MEANS_SOMETHING.sub(r"\\\g<0>", text)


def _matched(character: str) -> str:
    if _PLAIN_IN_PATTERN.fullmatch(character):
        return character
    return r"\." if character == "." else f"\\x{ord(character):02x}"
