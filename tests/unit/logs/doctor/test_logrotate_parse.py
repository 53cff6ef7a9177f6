"""logrotate's configuration is read as logrotate reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vawsum_agent.logs.doctor.logrotate.parse import Stanza, read_logrotate

if TYPE_CHECKING:
    from pathlib import Path


def write(root: Path, main: str, **included: str) -> list[Stanza]:
    """Write etc/logrotate.conf and files of etc/logrotate.d, and read them."""
    folder = root / "etc/logrotate.d"
    folder.mkdir(parents=True, exist_ok=True)
    (root / "etc/logrotate.conf").write_text(main)
    for name, text in included.items():
        (folder / name).write_text(text)
    return read_logrotate(root)


def values(stanza: Stanza) -> dict[str, str]:
    """Return what is in force."""
    return {name: option.value for name, option in stanza.options.items()}


def test_a_stanza_has_its_own_options_and_those_before_it(tmp_path: Path) -> None:
    """What stands before an include holds inside of it, what stands after it does not; a stanza overrides both."""
    (stanza, last) = write(
        tmp_path,
        "weekly\nrotate 4\ncompress\ninclude /etc/logrotate.d\nrotate 9\n/var/log/last {\n}\n",
        apache="/var/log/apache2/*.log {\n\tdaily\n\trotate 14\n\tnocompress\n\tcreate 640 root adm\n}\n",
    )
    assert values(stanza) == {"period": "daily", "rotate": "14", "create": "640 root adm"}
    assert values(last) == {"period": "weekly", "rotate": "9", "compress": ""}


def test_directives_are_told_with_their_line(tmp_path: Path) -> None:
    """A remedy needs the file and the line it applies to, whether in the stanza or among the defaults."""
    (stanza,) = write(
        tmp_path, "rotate 4\ninclude /etc/logrotate.d\n", php="# PHP\n\n/var/log/php {\n  copytruncate\n}\n"
    )
    assert stanza.where == f"{tmp_path}/etc/logrotate.d/php:3"
    assert stanza.where_of("copytruncate") == f"{tmp_path}/etc/logrotate.d/php:4"
    assert stanza.where_of("rotate") == f"{tmp_path}/etc/logrotate.conf:1"
    assert stanza.where_of("shred") == stanza.where


@pytest.mark.parametrize(
    "text",
    [
        "/a.log /b.log {\nmissingok\n}\n",
        "/a.log\n/b.log\n{\nmissingok\n}\n",
        '"/a.log" "/b.log"{\nmissingok\n}\n',
        "/a.log\n\n# both\n/b.log {\n  missingok # quietly\n}\n",
        "/a.log /b.log { missingok\n}\n",
    ],
)
def test_patterns_are_found_however_they_are_written(tmp_path: Path, text: str) -> None:
    """On one line or several, quoted or not, the brace where it likes."""
    (stanza,) = write(tmp_path, text)
    assert stanza.patterns == ("/a.log", "/b.log")
    assert stanza.covers("/a.log")
    assert "missingok" in stanza.options


def test_scripts_are_no_directives(tmp_path: Path) -> None:
    """Braces and words inside a script end and mean nothing."""
    (stanza, other) = write(
        tmp_path,
        "/a.log {\npostrotate\n  if [ -x /b ]; then { copytruncate; } fi\n  /c {\n}\nendscript\nrotate 3\n}\n/d {\n}\n",
    )
    assert values(stanza) == {"postrotate": "", "rotate": "3"}
    assert other.patterns == ("/d",)


def test_values_come_with_or_without_an_equals_sign(tmp_path: Path) -> None:
    """`size=100k`, `size 100k` and tabs are the same; the last of size and period decides."""
    (one, two) = write(tmp_path, "/a {\ndaily\nsize=100k\n}\n/b {\nsize\t100k\ndaily\n}\n")
    assert values(one) == {"size": "100k"}
    assert values(two) == {"period": "daily"}


def test_a_star_passes_no_slash(tmp_path: Path) -> None:
    """Patterns are glob(7)'s."""
    (stanza,) = write(tmp_path, "/var/log/*.log {\n}\n")
    assert stanza.covers("/var/log/a.log")
    assert not stanza.covers("/var/log/apache2/a.log")
    assert not stanza.covers("/var/log/a.log.1")


def test_what_packages_leave_behind_is_not_read(tmp_path: Path) -> None:
    """The taboo extensions of logrotate are passed over."""
    folder = tmp_path / "etc/logrotate.d"
    folder.mkdir(parents=True)
    for name in ("a.dpkg-old", "b.rpmsave", "c~", ".d.swp"):
        (folder / name).write_text("/a {\n}\n")
    assert write(tmp_path, "include /etc/logrotate.d\n") == []


def test_nothing_is_needed(tmp_path: Path) -> None:
    """Without any configuration nothing is rotated; with logrotate.d alone, that is read."""
    assert read_logrotate(tmp_path) == []
    (tmp_path / "etc/logrotate.d").mkdir(parents=True)
    (tmp_path / "etc/logrotate.d/a").write_text("/a {\n}\n")
    assert len(read_logrotate(tmp_path)) == 1


def test_a_file_that_includes_itself_ends(tmp_path: Path) -> None:
    """A circle is followed a few times and no further."""
    assert len(write(tmp_path, "include /etc/logrotate.conf\n/a {\n}\n")) < 10


@given(text=st.text(alphabet='/a"\' {}#\n\t=', max_size=60) | st.lists(
    st.sampled_from(["/a.log", "{", "}", "rotate 3", "postrotate", "endscript", "include /x", "size=", "\n", '"', "#"]),
).map(" \n".join))  # fmt: skip
def test_any_text_is_survived(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """A broken configuration is logrotate's to refuse; reading it never fails."""
    write(tmp_path_factory.mktemp("root"), text)
