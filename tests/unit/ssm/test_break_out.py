"""Nothing that is handed over as a parameter is ever carried out: it reaches the command whole, or is refused."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from sandbox.host.ssm_text import NEW_AGENT, OLD_AGENT
from tests.unit.ssm.documents import SHELLS, Ran, Workshop, read, script

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

APP, RELEASE = "vawsum-web", "20261129T101500Z-4f2a91c"
GOOD = {"App": APP, "Release": RELEASE}
WRONG_ANYWHERE = [
    '"; rm -rf / #', "'; rm -rf / #", "$(id)", "`id`", "$(touch canary)", "; id", "| id", "& id", "> canary", "*", "~",
    "../r1", "/etc/passwd", "--help", "-x", " ", f" {APP}", f"{APP} ", "a b", "${IFS}id", "$SSM_App", "{{ App }}", "\\",
    "vawsum\u2010web", "vawsum-wéb", "\u0661\u0661", "\udcff", "\t", "a\rb",
    f"{APP}\n", f"{RELEASE}\n", "\n", "\nid", "id\n", f"{APP}\nid", f"{APP}\nid\n{APP}", "a" * 65, "a" * 100_000,
]  # fmt: skip
WRONG = {
    "App": ["", "Vawsum", "-web", ".web", "_web", *WRONG_ANYWHERE],
    "Release": [
        APP, RELEASE[:-8], RELEASE[:17], f"x{RELEASE}", f"{RELEASE}-", f"{RELEASE}-a", f"{RELEASE}.", RELEASE.lower(),
        RELEASE.replace("T", " "), f"{RELEASE[:17]}{'a' * 65}", f"../{RELEASE}", f"{RELEASE}/..", *WRONG_ANYWHERE,
    ],
}  # fmt: skip
WAYS = pytest.mark.parametrize("agent_version", [NEW_AGENT, OLD_AGENT])


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """Where scripts run."""
    return Workshop(tmp_path)


def run(workshop: Workshop, name: str, given: Mapping[str, str], agent_version: str) -> Ran:
    """Run a document's script with these parameters, however the service would have found them."""
    return workshop.run(*script(read(name), given, agent_version))


@WAYS
@pytest.mark.parametrize(
    ("name", "parameter"), [("Vawsum-Deploy", "App"), ("Vawsum-Deploy", "Release"), ("Vawsum-Rollback", "Release")]
)
def test_what_is_no_name_is_refused(workshop: Workshop, name: str, parameter: str, agent_version: str) -> None:
    """Even where the service's own check is left out: exit code 64, one line that names the parameter, nothing ran."""
    for value in WRONG[parameter]:
        ran = run(workshop, name, {**GOOD, parameter: value}, agent_version)
        assert (ran.code, ran.calls, ran.trapped, ran.stdout) == (64, [], [], ""), repr(value[:80])
        assert len(ran.complaints) == 1, repr(value[:80])
        assert ran.complaints[0].startswith(f"{name}: {parameter} is "), repr(value[:80])


def test_both_documents_look_at_an_application_alike() -> None:
    """The lines that take and judge the application's name are the same in both, but for the document's name."""
    deploy, rollback = (
        read(name)["mainSteps"][0]["inputs"]["runCommand"] for name in ("Vawsum-Deploy", "Vawsum-Rollback")
    )
    end = next(number for number, line in enumerate(deploy) if "SSM_Release+x" in line)
    assert [line.replace("Vawsum-Deploy", "Vawsum-Rollback") for line in deploy[:end]] == rollback[:end]


@pytest.mark.parametrize("shell", SHELLS)
@WAYS
def test_names_arrive_as_they_are(tmp_path: Path, agent_version: str, shell: str) -> None:
    """The longest and the oddest names that are allowed reach the command letter for letter, in every shell."""
    workshop = Workshop(tmp_path, shell)
    apps = (APP, "a", "0", "a" * 64, "a.b_c-d", "a..b")
    releases = (RELEASE, f"{RELEASE[:17]}0", f"{RELEASE[:17]}{'Z' * 64}")
    for app, release in [*((app, RELEASE) for app in apps), *((APP, release) for release in releases)]:
        ran = run(workshop, "Vawsum-Deploy", {"App": app, "Release": release}, agent_version)
        assert ran == Ran(0, [["deploy", "start", "--app", app, "--release", release, "--json"]], "result\n", [], [])


@pytest.mark.parametrize("shell", SHELLS)
@WAYS
def test_shells_agree_on_what_is_refused(tmp_path: Path, agent_version: str, shell: str) -> None:
    """The worst of the attempts end the same way in every shell that is `sh` somewhere."""
    workshop = Workshop(tmp_path, shell)
    for value in ('"; rm -rf / #', "$(id)", "`id`", f"{APP}\nid", f"{APP}\n", "vawsum-wéb", "END_OF_VALUE"):
        ran = run(workshop, "Vawsum-Deploy", {**GOOD, "App": value}, agent_version)
        assert (ran.code, ran.calls, ran.trapped, len(ran.complaints)) == (64, [], [], 1), value


@WAYS
@pytest.mark.parametrize(
    ("given", "words"),
    [({"App": APP}, []), ({"App": APP, "Release": ""}, []), (GOOD, ["--to", RELEASE])],
    ids=["left out", "empty", "named"],
)
def test_a_rollback_may_leave_the_release_open(
    workshop: Workshop, agent_version: str, given: dict[str, str], words: list[str]
) -> None:
    """Left out or empty, the release is the command's to choose; named, it is handed on."""
    ran = run(workshop, "Vawsum-Rollback", given, agent_version)
    assert ran == Ran(0, [["deploy", "rollback", "--app", APP, "--json", *words]], "result\n", [], [])


@pytest.mark.parametrize("name", ["Vawsum-Deploy", "Vawsum-Rollback"])
def test_the_services_check_refuses_the_same(name: str) -> None:
    """What the script refuses for its looks the pattern refuses, but for one newline at the end: `$` lets that pass."""
    for parameter, values in WRONG.items():
        pattern = re.compile(read(name)["parameters"][parameter]["allowedPattern"], re.ASCII)
        passed = [value for value in values if pattern.search(value)]
        assert [value for value in passed if not value.endswith("\n")] == []
        assert pattern.search(GOOD[parameter])
