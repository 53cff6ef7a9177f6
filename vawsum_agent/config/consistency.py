"""What must hold between several fields of the configuration. Pure.

Looks at models in which any field may be INVALID: what was refused already is not judged again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from vawsum_agent.config.convert import INVALID
from vawsum_agent.config.model import DeployConfig, ImagesConfig, LogsConfig, MetricsConfig
from vawsum_agent.config.placeholders import NAMES, expand, unknown_parts
from vawsum_agent.config.rules import LOG_GROUP_EXPECTED, fits_log_group
from vawsum_agent.config.tree import MISSING, Table, file_of, shown
from vawsum_agent.core.errors import Violation
from vawsum_agent.core.text import toml

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vawsum_agent.config.model import Config, ImagesFolder, LogSource

_FOR_PLAIN_ONLY = ("multiline_start", "timestamp_format")


class _Named(Protocol):
    """A table of an array whose names must differ."""

    @property
    def name(self) -> str: ...


class _Placed(Protocol):
    """A table of an array whose folders must lie apart."""

    @property
    def path(self) -> str: ...


def inconsistencies(config: Config, tree: Table) -> Iterator[Violation]:
    """Find what contradicts something else. ``tree`` is what ``config`` was converted from, for file and key path."""
    yield from _of_processes(config, tree)
    yield from _of_logs(config, tree)
    yield from _of_images(config, tree)
    yield from _of_deploy(config, tree)


def _of_logs(config: Config, tree: Table) -> Iterator[Violation]:
    logs = tree.entries.get("logs")
    if not isinstance(config.logs, LogsConfig) or not isinstance(logs, Table):
        return
    tables = logs.entries.get("source")
    if config.logs.source == []:
        file, value = (file_of(tables), shown(tables)) if tables is not None else (logs.file, MISSING)
        yield Violation(file, logs.path_to("source"), value, "at least one [[logs.source]]")
    if not isinstance(tables, list):
        return
    yield from _duplicates(config.logs.source, tables)
    for source, table in zip(config.logs.source, tables, strict=True):
        yield from _of_plain(source, table)
        yield from _expanded_group(config, source, table)


def _of_images(config: Config, tree: Table) -> Iterator[Violation]:
    images = tree.entries.get("images")
    if not isinstance(config.images, ImagesConfig) or not isinstance(images, Table):
        return
    tables = images.entries.get("folder")
    if config.images.folder == []:
        file, value = (file_of(tables), shown(tables)) if tables is not None else (images.file, MISSING)
        yield Violation(file, images.path_to("folder"), value, "at least one [[images.folder]]")
    if not isinstance(tables, list):
        return
    folders = config.images.folder
    yield from _duplicates(folders, tables)
    for number, (folder, table) in enumerate(zip(folders, tables, strict=True)):
        yield from _apart(folder, table, folders[:number], tables)
        yield from _served_apart(folder, table, folders[:number], tables)
        if folder.delete_local is True and folder.public_url == "":
            expected = "a URL: with delete_local = true a moved image is served from there"
            yield Violation(table.file, table.path_to("public_url"), MISSING, expected)


def _of_deploy(config: Config, tree: Table) -> Iterator[Violation]:
    deploy = tree.entries.get("deploy")
    if not isinstance(config.deploy, DeployConfig) or not isinstance(deploy, Table):
        return
    tables = deploy.entries.get("app")
    if config.deploy.app == []:
        file, value = (file_of(tables), shown(tables)) if tables is not None else (deploy.file, MISSING)
        yield Violation(file, deploy.path_to("app"), value, "at least one [[deploy.app]]")
    if not isinstance(tables, list):
        return
    apps = config.deploy.app
    yield from _duplicates(apps, tables)
    for number, (app, table) in enumerate(zip(apps, tables, strict=True)):
        yield from _apart(app, table, apps[:number], tables)
        if not _is_refused(app.artifacts, app.secrets) and app.artifacts == app.secrets:
            expected = "a folder of its own: whoever builds releases should not read secrets"
            yield Violation(table.file, table.path_to("secrets"), shown(app.secrets), expected)


def _apart(folder: _Placed, table: Table, earlier: Sequence[_Placed], tables: list[Table]) -> Iterator[Violation]:
    """No file belongs to two folders."""
    for other, other_table in zip(earlier, tables, strict=False):
        if _is_refused(folder.path, other.path):
            continue
        ours, theirs = folder.path + "/", other.path + "/"
        if ours.startswith(theirs) or theirs.startswith(ours):
            expected = f"a folder outside that of {other_table.key} in {other_table.file}"
            yield Violation(table.file, table.path_to("path"), shown(folder.path), expected)


def _served_apart(
    folder: ImagesFolder, table: Table, earlier: list[ImagesFolder], tables: list[Table]
) -> Iterator[Violation]:
    """No address leads to two folders."""
    for other, other_table in zip(earlier, tables, strict=False):
        if _is_refused(*(value for each in (folder, other) for value in (each.path, each.url_path, each.public_url))):
            continue
        is_same = folder.served_at == other.served_at and folder.path != other.path
        if is_same and folder.public_url and other.public_url:
            expected = f"a path of its own; {other_table.key} in {other_table.file} is served at {other.served_at} too"
            yield Violation(table.file, table.path_to("url_path"), shown(folder.url_path or MISSING), expected)


def _of_processes(config: Config, tree: Table) -> Iterator[Violation]:
    metrics = tree.entries.get("metrics")
    if isinstance(config.metrics, MetricsConfig) and isinstance(metrics, Table):
        tables = metrics.entries.get("process")
        if isinstance(tables, list):
            yield from _duplicates(config.metrics.process, tables)


def _is_refused(*values: object) -> bool:
    return any(value is INVALID for value in values)


def _duplicates(sources: Sequence[_Named], tables: list[Table]) -> Iterator[Violation]:
    first: dict[str, Table] = {}
    for source, table in zip(sources, tables, strict=True):
        if _is_refused(source.name):
            continue
        earlier = first.setdefault(source.name, table)
        if earlier is not table:
            expected = f"a name of its own; {earlier.key} in {earlier.file} has it too"
            yield Violation(table.file, table.path_to("name"), shown(source.name), expected)


def _of_plain(source: LogSource, table: Table) -> Iterator[Violation]:
    if source.format == "plain" or _is_refused(source.format):
        return
    for name in _FOR_PLAIN_ONLY:
        value = getattr(source, name)
        if value and not _is_refused(value):
            expected = f'to be left out: it is for format = "plain", and format = "{source.format}" brings its own'
            yield Violation(table.file, table.path_to(name), shown(value), expected)


def _expanded_group(config: Config, source: LogSource, table: Table) -> Iterator[Violation]:
    """The names that the configuration itself puts into a log group must suit one."""
    if _is_refused(config.agent, source.log_group, source.name) or _is_refused(config.agent.environment):
        return
    if unknown_parts(source.log_group):
        return
    values = dict.fromkeys(NAMES, "x") | {"environment": config.agent.environment, "source": source.name}
    group = expand(source.log_group, values)
    if not fits_log_group(group):
        expected = f"{LOG_GROUP_EXPECTED}; with its placeholders it would be {toml(shown(group))}"
        yield Violation(table.file, table.path_to("log_group"), shown(source.log_group), expected)
