"""Whether a visitor who asks Apache for a picture that moved is sent on to where it is."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol

from vawsum_agent.core.finding import Finding, Severity
from vawsum_agent.images.inspect.content import EXTENSIONS
from vawsum_agent.images.serve.addresses import AddressError
from vawsum_agent.images.serve.apache import apache_configuration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from vawsum_agent.config.model import ImagesFolder
    from vawsum_agent.images.doctor.apache import Answer

_MARK = "Written by `vawsum-agent images apache-config`"
_WRITE = "vawsum-agent images apache-config > /etc/apache2/vawsum-images.conf"
_RELOAD = "apache2ctl configtest && systemctl reload apache2"
_INCLUDE = "Include it in each <VirtualHost> that serves the folder"


class Apache(Protocol):
    """What is asked; `apache.LocalApache` is one."""

    def answer(self, path: str) -> Answer | None: ...  # noqa: D102
    def included(self) -> list[str] | None: ...  # noqa: D102


def serving(folders: Sequence[ImagesFolder], apache: Apache) -> Iterator[Finding]:
    """Check the folders that have a `public_url`.

    A redirect that is seen is proof. That none is seen is not: the site may be another virtual host than the one that
    answers here. Then it counts whether Apache includes what `images apache-config` writes, as it would be written now.
    """
    moved = [folder for folder in folders if folder.public_url]
    if not moved:
        return
    try:
        wanted = apache_configuration(folders)
    except AddressError as error:
        yield Finding(Severity.PROBLEM, error.message, "Apache", error.hint)
        return
    unseen = [folder for folder in moved if not _leads_on(folder, apache)]
    for folder in moved:
        if folder not in unseen:
            what = f"Apache sends who asks for a picture that moved on to {folder.public_url}"
            yield Finding(Severity.OK, what, folder.served_at)
    if unseen:
        yield _by_configuration(unseen, wanted, apache)


def _leads_on(folder: ImagesFolder, apache: Apache) -> bool:
    missing = f"{folder.served_at}vawsum-agent-doctor{EXTENSIONS[folder.types[0]][0]}"
    answer = apache.answer(missing)
    return answer is not None and answer.status == HTTPStatus.FOUND and answer.location.startswith(folder.public_url)


def _by_configuration(folders: Sequence[ImagesFolder], wanted: str, apache: Apache) -> Finding:
    where = ", ".join(folder.served_at for folder in folders)
    included = apache.included()
    if included is None:
        return Finding(Severity.OK, "no Apache tells here whether it sends visitors on to pictures that moved", where)
    ours = [text for text in included if _MARK in text]
    if not ours:
        what = "Apache's configuration includes nothing that sends visitors on to pictures that moved"
        return Finding(Severity.WARNING, what, where, f"{_WRITE}; {_INCLUDE}; {_RELOAD}")
    if wanted not in ours:
        what = "what Apache includes to send visitors on was written for another configuration of the agent"
        return Finding(Severity.WARNING, what, where, f"{_WRITE} && {_RELOAD}")
    return Finding(Severity.OK, "Apache includes what sends visitors on to pictures that moved", where)
