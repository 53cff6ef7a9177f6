"""The configuration as text. What it does, the real Apache shows: tests/integration/images."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.images.folders import folder_at
from vawsum_agent.config.load import load
from vawsum_agent.images.serve.apache import apache_configuration

REPOSITORY = Path(__file__).parents[4]
URL = "https://images.vawsum.test/pictures/"


def test_the_shipped_example(tmp_path: Path) -> None:
    """The example is what the command writes for the configuration that docs/images-serving.md shows.

    Else write it: vawsum-agent images apache-config --config FILE > etc/apache2/vawsum-images.conf
    """
    page = (REPOSITORY / "docs/images-serving.md").read_text()
    shown = re.search(r"```toml\n(.*?)```", page, re.DOTALL)
    assert shown is not None
    (tmp_path / "agent.toml").write_text(shown[1])
    images = load(tmp_path / "agent.toml").config.images
    assert images is not None
    assert (REPOSITORY / "etc/apache2/vawsum-images.conf").read_text() == apache_configuration(images.folder)


def test_types() -> None:
    """Only extensions of the folder's types lead to the bucket."""
    text = apache_configuration([folder_at(Path("/a/uploads"), public_url=URL, types=["image/png", "image/heic"])])
    assert set(re.findall(r"\(\?i:([a-z|]+)\)", text)) == {"png|heic|heif"}


@given(st.text(st.characters(exclude_categories=["C"])), st.sampled_from(["\\", "\\\\", '"', "'", "$", "%", "", "\n"]))
def test_no_line_leads_into_the_next(name: str, end: str) -> None:
    """No text of the configuration ends a comment, or begins a line, or carries one on into the next."""
    plain = apache_configuration([folder_at(Path("/a/b"), public_url=URL)])
    text = apache_configuration([folder_at(Path(f"/a/b{end.strip()}"), name=name + end, public_url=URL)])
    lines = [line for line in text.split("\n") if line.startswith("#")]
    assert len(lines) == sum(line.startswith("#") for line in plain.split("\n"))
    assert len(text.split("\n")) == len(plain.split("\n"))
    assert not [line for line in text.split("\n") if line.endswith("\\")]
    assert all(line.isprintable() for line in text.split("\n"))


def test_every_folder_has_variables_of_its_own() -> None:
    """What is put by for one folder is never taken for another's."""
    folders = [folder_at(Path(f"/{name}"), name=name, public_url=f"https://{name}.test/") for name in ("a", "b")]
    first, second = apache_configuration(folders).split('# "b"')
    assert set(re.findall(r"VAWSUM_[A-Z]+_(\d)", first)) == {"1"}
    assert set(re.findall(r"VAWSUM_[A-Z]+_(\d)", second)) == {"2"}
    assert "https://b.test" not in first
    assert "https://a.test" not in second
