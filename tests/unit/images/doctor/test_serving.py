"""Doctor tells whether Apache sends visitors on, and is not fooled by a virtual host that is not the site's."""

from __future__ import annotations

from pathlib import Path

from tests.unit.images.doctor.looking import only
from tests.unit.images.folders import folder_at
from vawsum_agent.core.finding import Severity
from vawsum_agent.images.doctor.apache import Answer, LocalApache
from vawsum_agent.images.doctor.serving import serving
from vawsum_agent.images.serve.apache import apache_configuration

URL = "https://images.test/uploads/"
FOLDER = folder_at(Path("/var/www/app/uploads"), public_url=URL)


class FakeApache:
    """Answers as told."""

    def __init__(self, answer: Answer | None = None, included: list[str] | None = None) -> None:
        self.asked: list[str] = []
        self._answer = answer
        self._included = included

    def answer(self, path: str) -> Answer | None:
        """See `Apache.answer`."""
        self.asked.append(path)
        return self._answer

    def included(self) -> list[str] | None:
        """See `Apache.included`."""
        return self._included


def test_a_redirect_that_is_seen() -> None:
    """It is proof, whatever else is configured."""
    apache = FakeApache(Answer(302, f"{URL}vawsum-agent-doctor.jpg"), [])
    found = only(serving([FOLDER], apache), Severity.OK)
    assert (found.where, URL in found.what) == ("/uploads/", True)
    assert apache.asked == ["/uploads/vawsum-agent-doctor.jpg"]


def test_another_answer_is_no_proof_against() -> None:
    """The default virtual host need not be the site: it counts what Apache includes, as it would be written today."""
    not_found, elsewhere = Answer(404, ""), Answer(302, "https://app.test/login")
    for answer in (not_found, elsewhere, None):
        only(serving([FOLDER], FakeApache(answer, ["Listen 80\n", apache_configuration([FOLDER])])), Severity.OK)


def test_nothing_is_included() -> None:
    """Then who asks for a picture that moved gets nothing."""
    found = only(serving([FOLDER], FakeApache(Answer(404, ""), ["Listen 80\n"])), Severity.WARNING)
    assert "images apache-config > /etc/apache2/vawsum-images.conf" in found.remedy
    assert "Include it" in found.remedy


def test_included_of_another_configuration() -> None:
    """A folder that was added, or whose address changed, is found out."""
    before = apache_configuration([folder_at(Path("/var/www/app/uploads"), public_url="https://old.test/")])
    found = only(serving([FOLDER], FakeApache(None, [before])), Severity.WARNING)
    assert "was written for another configuration" in found.what


def test_no_apache() -> None:
    """On a host without one there is nothing to warn of; folders without an address are not asked about."""
    only(serving([FOLDER], FakeApache()), Severity.OK)
    assert list(serving([folder_at(Path("/srv/copied"), delete_local=False)], FakeApache())) == []


def test_folders_that_no_configuration_can_name() -> None:
    """It is told why."""
    found = only(serving([folder_at(Path("/srv/a\nb"), public_url=URL)], FakeApache()), Severity.PROBLEM)
    assert "control characters" in found.what


def test_files_that_apache_names_are_read(tmp_path: Path) -> None:
    """Each once, whatever is in its name; a command that fails or is missing tells nothing."""
    config = tmp_path / "my vhost.conf"
    config.write_text("# here\n")
    control = tmp_path / "apache2ctl"
    lines = f"Included configuration files:\n  (*) {config}\n    (3) {config}\n    (4) {tmp_path}/gone\n"
    control.write_text(f"#!/bin/sh\ncat <<'END'\n{lines}END\n")
    control.chmod(0o755)
    assert LocalApache(None, [str(control)]).included() == ["# here\n"]
    control.write_text("#!/bin/sh\necho 'Syntax error' >&2; exit 1\n")
    assert LocalApache(None, [str(control)]).included() is None
    assert LocalApache(None, [str(tmp_path / "none")]).included() is None


def test_nobody_answers() -> None:
    """Where nothing listens, or no address is known, there is no answer."""
    assert LocalApache("http://127.0.0.1:9/server-status?auto").answer("/a.jpg") is None
    assert LocalApache(None).answer("/a.jpg") is None
