"""Placeholders of log group and log stream names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.config.placeholders import NAMES, expand, unknown_parts


def test_expand() -> None:
    """Each placeholder is replaced by its value, once: a value that looks like one stays."""
    values = {"source": "{path}", "path": "/var/log/x"}
    assert expand("a/{source}{path}", values) == "a/{path}/var/log/x"


def test_expand_without_a_value() -> None:
    """A value that is not there is an error, never an empty name."""
    with pytest.raises(KeyError):
        expand("{source}", {})


@pytest.mark.parametrize("template", ["{sauce}", "{", "}", "{}", "{Source}", "{source }", "{{source}", "{source}}"])
def test_unknown_parts(template: str) -> None:
    """Anything in braces that is no placeholder is found, also a lone brace."""
    assert unknown_parts(template)


@given(st.text())
def test_a_known_template_expands(template: str) -> None:
    """What has no unknown parts can be expanded."""
    if not unknown_parts(template):
        expand(template, dict.fromkeys(NAMES, "x"))
