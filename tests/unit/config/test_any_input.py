"""Whatever tables come, the loader answers with a configuration or with violations."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from vawsum_agent.config.load import configured
from vawsum_agent.config.model import Config
from vawsum_agent.config.tree import merge, table_of
from vawsum_agent.core.errors import ConfigError, Violation

KEYS = st.sampled_from(
    [
        *("agent", "logs", "source", "metrics", "role", "state_dir", "flush_interval", "buffer", "retention_days"),
        *("name", "paths", "format", "timezone", "log_group", "log_stream", "multiline_start", "timestamp_format"),
    ]
) | st.text(max_size=4)
SCALARS = (
    st.none().map(lambda _: "plain")
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["2s", "16MiB", "/var/log/x.log", "web", "UTC", "{source}", "{", "(", "%Y", "json"])
    | st.dates()
    | st.datetimes()
    | st.times()
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=20
)
SOURCES = st.lists(st.dictionaries(KEYS, SCALARS | st.lists(SCALARS, max_size=2), max_size=8), max_size=3)
LOGS = st.dictionaries(KEYS, VALUES, max_size=5) | st.builds(
    lambda logs, source: {**logs, "source": source}, st.dictionaries(KEYS, VALUES, max_size=3), SOURCES
)
TABLES = st.builds(
    lambda rest, logs: {**rest, "logs": logs}, st.dictionaries(KEYS, VALUES, max_size=4), LOGS
) | st.dictionaries(KEYS, VALUES, max_size=6)


@given(first=TABLES, second=TABLES)
@settings(max_examples=300, deadline=None)
def test_nothing_but_config_errors(first: dict[str, object], second: dict[str, object]) -> None:
    """Any two files of any tables give a configuration or ConfigError, and nothing else."""
    violations: list[Violation] = []
    tree = table_of("first.toml", first)
    merge(tree, table_of("second.toml", second), violations)
    with contextlib.suppress(ConfigError):
        assert isinstance(configured(tree, violations), Config)
