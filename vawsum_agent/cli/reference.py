"""Writes ``docs/reference/`` from the code: ``python -m vawsum_agent.cli.reference [FOLDER]``. A test keeps it true."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_origin, get_type_hints

import click
import msgspec

from vawsum_agent.cli.main import cli
from vawsum_agent.config.convert import bare, describe, heading, struct_of
from vawsum_agent.config.model import Bytes, Config, Seconds
from vawsum_agent.config.placeholders import NAMES
from vawsum_agent.config.rules import Rule
from vawsum_agent.core.events import EVENTS
from vawsum_agent.core.text import toml
from vawsum_agent.metrics.catalogue import SECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vawsum_agent.core.metric import Metric

_NOTE = "<!-- Written by `python -m vawsum_agent.cli.reference`; change the code, not this file. -->"
_HELP_WIDTH = 100


def pages() -> dict[str, str]:
    """The reference, by file name."""
    return {
        "configuration.md": _configuration(),
        "commands.md": _commands(),
        "events.md": _events(),
        "metrics.md": _metrics(),
    }


def _page(title: str, *paragraphs: str) -> str:
    return "\n\n".join([f"# {title}", _NOTE, *paragraphs]) + "\n"


def _configuration() -> str:
    return _page(
        "Configuration",
        "TOML. `/etc/vawsum-agent/agent.toml`, then every `/etc/vawsum-agent/conf.d/*.toml` in name order: tables "
        "merge, arrays of tables append, a key set twice is refused. `--config FILE` or `VAWSUM_AGENT_CONFIG` names "
        "another main file, whose sibling `conf.d/` is read likewise. A capability runs when its table is present. "
        "Whatever is wrong is told at once, each with file, key path, value and what is expected, and the exit code "
        "is 78: `vawsum-agent check-config`.",
        'Durations are written `"500ms"` `"90s"` `"10m"` `"24h"` `"15d"`, sizes `"512KiB"` `"16MiB"`. '
        f"Placeholders of names: {' '.join(f'`{{{name}}}`' for name in NAMES)}; `{{path}}` begins with a slash.",
        *_tables(Config, ""),
    )


def _tables(model: type[msgspec.Struct], prefix: str) -> Iterator[str]:
    """The tables below a model, each before those it holds."""
    hints = get_type_hints(model, include_extras=True)
    for field in msgspec.structs.fields(model):
        hint = hints[field.name]
        table, is_array = struct_of(hint)
        if table is None:
            continue
        path = f"{prefix}{field.name}"
        yield f"## `{heading(path, hint)}`"
        about = (table.__doc__ or "").partition(": ")[2].strip()
        texts = [about[:1].upper() + about[1:]]  # capitalize() would make small letters of all others
        if description := _description(hint):
            texts.append(f"{description[:1].upper()}{description[1:]}.")
        yield " ".join(texts)
        if is_array and (tables := _default_of(field)):
            yield "```toml\n" + "\n\n".join(_written(path, table) for table in tables) + "\n```"
        yield "\n".join(["| key | value | default | |", "|---|---|---|---|", *_keys(table)])
        yield from _tables(table, f"{path}.")


def _written(path: str, table: msgspec.Struct) -> str:
    """A table of an array as a file would have it."""
    keys = [f"{name} = {toml(value)}" for name, value in msgspec.structs.asdict(table).items()]
    return "\n".join([f"[[{path}]]", *keys])


def _keys(model: type[msgspec.Struct]) -> Iterator[str]:
    hints = get_type_hints(model, include_extras=True)
    for field in msgspec.structs.fields(model):
        hint = hints[field.name]
        if struct_of(hint)[0] is None:
            columns = [f"`{field.name}`", _value(hint), _default(field, hint), _description(hint)]
            yield "| " + " | ".join(column.replace("|", "\\|") for column in columns) + " |"


def _value(hint: object) -> str:
    """What a key takes; how durations and sizes are written is said once for all."""
    base, metadata = bare(hint)
    if base in (Seconds, Bytes):
        rules = [mark.text for mark in metadata if isinstance(mark, Rule)]
        return ", ".join(["duration" if base is Seconds else "size", *rules])
    return describe(hint).removeprefix("a ") if get_origin(base) is list else describe(hint)


def _default(field: Any, hint: object) -> str:  # noqa: ANN401 - msgspec keeps the type of its field information private
    if field.required:
        return "required"
    value = _default_of(field)
    base, _ = bare(hint)
    if base is Seconds:
        return f'`"{value:g}s"`'
    if base is Bytes:
        return f'`"{value >> 20}MiB"`'
    return f"`{toml(value)}`"


def _default_of(field: Any) -> Any:  # noqa: ANN401 - as above
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


def _description(hint: object) -> str:
    texts = [mark.description for mark in bare(hint)[1] if isinstance(mark, msgspec.Meta) and mark.description]
    return texts[0] if texts else ""


def _commands() -> str:
    return _page(
        "Commands",
        "Text for people goes to stdout, progress and errors to stderr; an error is one line that says what failed, "
        "on what, and what to do next. `--json` prints one JSON document. Exit codes: 0 done; 1 failed; 64 wrong "
        "usage; 75 busy, try again; 78 bad configuration. `status`: 0 ok, 1 degraded, 2 failed or not running.",
        *_help_of(cli, "vawsum-agent", None),
    )


def _help_of(command: click.Command, path: str, parent: click.Context | None) -> Iterator[str]:
    name = path.rpartition(" ")[2]
    names = cli.context_settings["help_option_names"]
    context = click.Context(command, parent, name, terminal_width=_HELP_WIDTH, help_option_names=names)
    if not isinstance(command, click.Group):
        yield f"## `{path}`"
        yield f"```\n{command.get_help(context)}\n```"
        return
    for name in command.list_commands(context):
        below = command.get_command(context, name)
        if below is not None:
            yield from _help_of(below, f"{path} {name}", context)


def _events() -> str:
    rows = [f"| `{name}` | {meaning} |" for name, meaning in EVENTS.items()]
    return _page(
        "Log events",
        "Every event is one JSON line on stderr (the journal, under systemd): `timestamp`, `level`, `event`, and what "
        "it is about. `VAWSUM_AGENT_DEBUG=1` adds debug events.",
        "\n".join(["| event | |", "|---|---|", *rows]),
    )


def _metrics() -> str:
    return _page(
        "Metrics",
        "What `[metrics]` publishes, in the namespace `CWAgent` unless `metrics.namespace` says otherwise. Each value "
        "is a distribution of what was sampled in a period (`Values` and `Counts`), so `Average`, `Maximum`, `Sum`, "
        "`SampleCount` and percentiles are all true. Of what is marked *added*, each sample is what was added since "
        "the one before, and `Sum` is what was added in the period.",
        "Every metric has the dimensions of the host (`metrics.dimensions`: `InstanceId` and `AutoScalingGroupName` "
        "by default) besides those named here, and is published once more for its `AutoScalingGroupName` alone, all "
        "hosts and all values of its own dimensions together.",
        *(text for title, metrics in SECTIONS.items() for text in (f"## {title}", _metric_table(metrics))),
    )


def _metric_table(metrics: tuple[Metric, ...]) -> str:
    rows = [
        f"| `{metric.name}` | {metric.unit.value}{', added' if metric.is_increase else ''} "
        f"| {' '.join(f'`{name}`' for name in metric.dimensions)} | {metric.meaning} |"
        for metric in metrics
    ]
    return "\n".join(["| metric | unit | dimensions | |", "|---|---|---|---|", *rows])


def main() -> None:
    """Write the pages into the folder that the first argument names."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/reference")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main()
