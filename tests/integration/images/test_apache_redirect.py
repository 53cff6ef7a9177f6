"""The real Apache with the configuration we generate: a picture is here or in the bucket, and never missing."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from sandbox.servers.process import open_directory
from tests.integration.images.site import (
    APPLICATION,
    BUCKET_URL,
    FRONT_CONTROLLERS,
    PICTURE,
    Answer,
    Site,
    folder_at,
    serving,
    site,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(
    not Path("/usr/sbin/apache2").exists(), reason="needs Apache and PHP-FPM; `make setup` installs them as root"
)

SCRIPT = b"<?php echo 'executed: ', 6 * 7;"
EXECUTED = b"executed: 42"
EXAMPLE = Path(__file__).parents[3] / "etc/apache2/vawsum-images.conf"


@pytest.fixture(scope="module", params=FRONT_CONTROLLERS)
def any_site(request: pytest.FixtureRequest) -> Iterator[Site]:
    """A site for each way of having a front controller."""
    with site(request.param) as running:
        yield running


@pytest.fixture(scope="module")
def vhost_site() -> Iterator[Site]:
    """A site whose application takes what is for no file in the virtual host itself: the place nearest to our rules."""
    with site("vhost") as running:
        yield running


def put(running: Site, name: str, content: bytes = PICTURE) -> Path:
    """Write a file into the upload folder."""
    path = Path(running.folders[0].path) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def redirect_of(answer: Answer) -> tuple[int, str]:
    """Status and address, in the one spelling that %2b has here."""
    return answer.status, answer.location.replace("%2B", "%2b")


def test_here_or_there(any_site: Site) -> None:
    """A picture in the folder is served from there, one that is not is in the bucket; by GET and by HEAD."""
    put(any_site, "2026/here.jpg")
    assert any_site.ask("/uploads/2026/here.jpg") == Answer(200, "", PICTURE)
    assert any_site.ask("/uploads/2026/here.jpg", "HEAD") == Answer(200, "", b"")
    for method in ("GET", "HEAD"):
        assert redirect_of(any_site.ask("/uploads/2026/gone.jpg", method)) == (302, BUCKET_URL + "2026/gone.jpg")


@pytest.mark.parametrize("window", [1, 2, 3])
@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("{}.jpg", "{}.jpg"),
        ("{}.jpg", "{}.jpg?v=2&w=a+b"),
        ("{}a+b++c %?#&ä.JPG", "{}a%2bb%2b%2bc%20%25%3f%23&%c3%a4.JPG"),
        ("{}a+b?.jpg", "{}a%2bb%3f.jpg?v=%3f"),
        ("sub folder/{}.png", "sub%20folder/{}.png"),
    ],
)
def test_vanishes_while_apache_is_at_it(any_site: Site, window: int, name: str, asked: str) -> None:
    """A file that goes after Apache found it is answered as if it had been gone, at whichever moment that is."""
    mark = f"vanishes-{window}"
    path = put(any_site, name.format(mark))
    answer = any_site.ask(f"/uploads/{asked.format(mark)}")
    assert redirect_of(answer) == (302, BUCKET_URL + asked.format(mark))
    assert not path.exists()


@pytest.mark.parametrize(
    ("asked", "sent_to"),
    [
        ("a%20b.jpg", "a%20b.jpg"),
        ("a+b.jpg", "a%2bb.jpg"),
        ("a%2Bb.jpg", "a%2bb.jpg"),
        ("100%25.jpg", "100%25.jpg"),
        ("%2525.jpg", "%2525.jpg"),
        ("what%3F.jpg", "what%3f.jpg"),
        ("what%3F.jpg?v=1&w=%3F+%26", "what%3f.jpg?v=1&w=%3F+%26"),
        ("no%231.jpg", "no%231.jpg"),
        ("%C3%A4%C3%B6%E2%82%AC%F0%9F%98%80.jpg", "%c3%a4%c3%b6%e2%82%ac%f0%9f%98%80.jpg"),
        ("%ff.jpg", "%ff.jpg"),
        ("a%22b%3Cc%3E%5C%5E%60%7B%7C%7D.jpg", "a%22b%3cc%3e%5c%5e%60%7b%7c%7d.jpg"),
        ("a;b,c'(d)!*=&@$~:.jpg", "a;b,c'(d)!*=&@$~:.jpg"),
        ("$1%251%25%7BENV:PATH%7D$%7Bvawsum-escape:x%7D.jpg", "$1%251%25%7bENV:PATH%7d$%7bvawsum-escape:x%7d.jpg"),
        ("A.JPEG", "A.JPEG"),
        (".hidden.jpg", ".hidden.jpg"),
        ("..jpg", "..jpg"),
        ("a%0D%0ASet-Cookie:%20x=y.jpg", "a%0d%0aSet-Cookie:%20x=y.jpg"),
        ("%252e%252e/%252e%252e/x.jpg", "%252e%252e/%252e%252e/x.jpg"),
        ("http://evil.test/x.jpg", "http:/evil.test/x.jpg"),
        ("/evil.test/x.jpg", "evil.test/x.jpg"),
        ("shell.php/x.jpg", "shell.php/x.jpg"),
        ("a/b/../c.jpg", "a/c.jpg"),
    ],
)
def test_encoding(vhost_site: Site, asked: str, sent_to: str) -> None:
    """Whatever a name is made of, the address is that name encoded, below the public URL; the query string is kept."""
    assert redirect_of(vhost_site.ask(f"/uploads/{asked}")) == (302, BUCKET_URL + sent_to)


def test_host_of_the_request_does_not_matter(vhost_site: Site) -> None:
    """An absolute request target for another host leads to the public URL all the same."""
    assert redirect_of(vhost_site.ask("http://evil.test/uploads/x.jpg")) == (302, BUCKET_URL + "x.jpg")


@pytest.mark.parametrize(
    "asked",
    [
        *(
            "/x.jpg",
            "/other/x.jpg",
            "/uploads2/x.jpg",
            "/a/uploads/x.jpg",
            "/UPLOADS/x.jpg",
            "//evil.test/uploads/x.jpg",
        ),
        *("/uploads/../x.jpg", "/uploads/%2e%2e/x.jpg", "/uploads/a/%2E./%2E%2e/x.jpg"),
        *(
            "/uploads/x.pdf",
            "/uploads/x.svg",
            "/uploads/x.jpg.html",
            "/uploads/xjpg",
            "/uploads/.jpg",
            "/uploads/x.heic",
        ),
        *("/uploads/", "/uploads", "/uploads/x.jpg/", "/uploads/x.jpg/y"),
    ],
)
def test_all_else_is_the_applications(vhost_site: Site, asked: str) -> None:
    """What is no picture of the folder goes where it went before."""
    assert vhost_site.ask(asked) == Answer(200, "", APPLICATION)


@pytest.mark.parametrize("asked", ["/uploads/..%2fx.jpg", "/uploads/x%00.jpg"])
def test_what_apache_refuses_stays_refused(vhost_site: Site, asked: str) -> None:
    """An encoded slash or a NUL leads nowhere."""
    assert vhost_site.ask(asked).status == 404


@pytest.mark.parametrize("setting", ["On", "NoDecode"])
def test_encoded_slashes(setting: str) -> None:
    """Where they are allowed, what they spell leads no further up than the public URL."""
    with site(before=f"AllowEncodedSlashes {setting}") as running:
        put(running, "a/here.jpg")
        for asked in (
            "..%2f..%2fx.jpg",
            "a%2f..%2f..%2fx.jpg",
            "a%2f..%2f..%2fuploads%2fx.jpg",
            "%2f%2fevil.test%2fx.jpg",
        ):
            answer = running.ask(f"/uploads/{asked}")
            below = answer.location.removeprefix(BUCKET_URL).split("/")
            assert answer.location == "" or answer.location.startswith(BUCKET_URL)
            assert not {"", ".."} & set(below) or answer.location == ""


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_only_reading_is_sent_on(vhost_site: Site, method: str) -> None:
    """A form that is sent to a missing picture is not sent to the bucket."""
    assert vhost_site.ask("/uploads/gone.jpg", method) == Answer(200, "", APPLICATION)


def test_a_folder_with_a_pictures_name(vhost_site: Site) -> None:
    """It is no picture that moved."""
    (Path(vhost_site.folders[0].path) / "album.jpg").mkdir()
    assert vhost_site.ask("/uploads/album.jpg").location == ""


def test_quarantine(any_site: Site) -> None:
    """What is being removed is never served, nor sent anywhere, in whichever way it is asked for."""
    put(any_site, ".vawsum-quarantine/2026/x.jpg")
    for asked in (".vawsum-quarantine/2026/x.jpg", "%2evawsum-quarantine/2026/x.jpg", ".vawsum-quarantine/gone.jpg"):
        answer = any_site.ask(f"/uploads/{asked}")
        assert (answer.status, answer.location) == (404, "")
        assert PICTURE not in answer.body


def test_quarantine_by_another_way() -> None:
    """Where the folder is reached by a path we don't know of, its quarantine is closed there, too."""
    with site(after="Alias /elsewhere/ @FOLDER@/") as running:
        put(running, ".vawsum-quarantine/x.jpg")
        put(running, "x.jpg")
        assert running.ask("/elsewhere/x.jpg").status == 200
        assert running.ask("/elsewhere/.vawsum-quarantine/x.jpg").status == 403


@pytest.fixture(scope="module")
def scripting_site() -> Iterator[Site]:
    """A site that hands all that has .php anywhere in its name to PHP, and lets an .htaccess file say more."""
    handlers = 'AddHandler "@FPM@" .php\n<Location /as-php/>\nSetHandler "@FPM@"\n</Location>'
    with site("vhost", before=handlers) as running:
        yield running


@pytest.mark.parametrize(
    ("name", "path_info"),
    [
        *(("shell.php", ""), ("shell.php", "/x.css"), ("shell.php", "/x.jpg"), ("shell.phtml", ""), ("shell.PHP", "")),
        *(("shell.phar", ""), ("shell.php7", ""), ("shell.php.txt", ""), ("shell.php.txt", "/x.jpg")),
        *(("shell.php.jpg", ""), ("shell.php.jpg", "/x.jpg"), ("shell.php.jpg", "/x.css"), ("shell.jpg", "")),
        ("shell.php", "/a.php." + "x.php." * 300 + "jpg"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_no_php_in_the_folder(scripting_site: Site, name: str, path_info: str, method: str) -> None:
    """A script that was uploaded is not run, whatever its name, what follows it, and what an .htaccess file says."""
    put(scripting_site, f"scripts/{name}", SCRIPT)
    put(scripting_site, "scripts/.htaccess", b"AddType image/jpeg .jpg\nOptions +MultiViews\n")
    answer = scripting_site.ask(f"/uploads/scripts/{name}{path_info}", method)
    assert EXECUTED not in answer.body


def test_php_is_run_elsewhere(scripting_site: Site) -> None:
    """The set-up of the test above does run scripts; outside of the folder it still does."""
    (scripting_site.www / "tool.php.txt").write_bytes(SCRIPT)
    assert scripting_site.ask("/tool.php.txt") == Answer(200, "", EXECUTED)


@pytest.mark.parametrize("asked", ["x.pdf", "index.php", "a/index.php", "index.php.txt", "index.php/x.jpg", "x.jpg/y"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_source_is_shown(scripting_site: Site, asked: str, method: str) -> None:
    """Switching handlers off for pictures never shows the source of the application that takes the request."""
    answer = scripting_site.ask(f"/uploads/{asked}", method)
    assert b"<?php" not in answer.body


def test_handlers_of_the_folder(scripting_site: Site) -> None:
    """An .htaccess file that was uploaded makes no script of a picture."""
    put(scripting_site, "handlers/.htaccess", b"ForceType application/x-httpd-php\n")
    put(scripting_site, "handlers/x.jpg", SCRIPT)
    assert scripting_site.ask("/uploads/handlers/x.jpg") == Answer(200, "", SCRIPT)


@pytest.mark.parametrize("where", ["vhost", "htaccess"])
def test_a_guard_goes_on_guarding(where: str) -> None:
    """Rules that hand pictures of the folder to a script of the site still do."""
    rules = "RewriteEngine On\nRewriteRule ^/?(?:uploads/)?private/ /guard.php [L]\n"
    with site(after=rules if where == "vhost" else "") as running:
        (running.www / "guard.php").write_bytes(b"<?php http_response_code(403); echo 'no entry';")
        if where == "htaccess":
            put(running, ".htaccess", rules.encode())
        put(running, "private/x.jpg")
        put(running, "public/x.jpg")
        assert running.ask("/uploads/private/x.jpg") == Answer(403, "", b"no entry")
        assert running.ask("/uploads/public/x.jpg") == Answer(200, "", PICTURE)


def test_where_other_rules_lead_is_theirs() -> None:
    """A picture in the folder that a rule of the site leads elsewhere has the answer from there, a 404 included."""
    with site(after="RewriteRule ^/uploads/held/ /no-such-page.html [L]") as running:
        put(running, "held/x.jpg")
        answer = running.ask("/uploads/held/x.jpg")
        assert (answer.status, answer.location) == (404, "")


def test_what_apache_can_not_find() -> None:
    """A picture that the folder has again when Apache has just not found it is looked for in the bucket.

    That it comes back is what happens when a removal is taken back; here Apache looks in the wrong place instead.
    """
    with site(before="Alias /uploads/ @FOLDER@/elsewhere/") as running:
        put(running, "elsewhere/y.jpg")
        put(running, "x+.jpg")
        assert redirect_of(running.ask("/uploads/x+.jpg?v=1")) == (302, BUCKET_URL + "x%2b.jpg?v=1")


def test_what_apache_may_not_open(vhost_site: Site) -> None:
    """A picture that Apache has no right to is looked for in the bucket; that is what a vanished one looks like."""
    put(vhost_site, "closed+.jpg").chmod(0)
    assert redirect_of(vhost_site.ask("/uploads/closed+.jpg")) == (302, BUCKET_URL + "closed%2b.jpg")


@pytest.mark.parametrize(
    "name",
    [
        *(
            "up loads",
            "up'loads",
            'up"loads',
            "\"'",
            "100%",
            "%1",
            "%{PATH}",
            "$1",
            "${PATH}",
            "${vawsum-escape:x}",
            "$",
        ),
        *(
            "back\\slash",
            "\\ ",
            "\\$1",
            "end\\",
            "a,b]c[d",
            "[R=301,L]",
            "(x|y)*+?",
            "#",
            "<b>",
            "ü€😀",
            "à",
            "!-f",
            "=",
            "{}",
        ),
    ],
)
def test_folders_of_any_name(name: str) -> None:
    """A folder's path stands for itself in the configuration, whatever it is made of."""
    with open_directory("vawsum-images-") as root:
        folder = root / name / name
        folder.mkdir(parents=True)
        www = root / "apache" / "www"
        www.mkdir(parents=True)
        (www / name).symlink_to(folder)
        with serving(root, [folder_at(folder)]) as running:
            put(running, "here.jpg")
            assert running.ask(f"/{quote(name)}/here.jpg") == Answer(200, "", PICTURE)
            assert redirect_of(running.ask(f"/{quote(name)}/gone.jpg")) == (302, BUCKET_URL + "gone.jpg")
            put(running, "vanishes-2.jpg")
            assert redirect_of(running.ask(f"/{quote(name)}/vanishes-2.jpg")) == (302, BUCKET_URL + "vanishes-2.jpg")


def test_folders_served_within_each_other() -> None:
    """Each picture is looked for in its own folder, with its own types, and sent to its own address."""
    with open_directory("vawsum-images-") as root:
        uploads, avatars, logos = (root / name for name in ("uploads", "avatars", "logos"))
        for folder in (uploads, avatars, logos):
            folder.mkdir()
            (folder / "here.jpg").write_bytes(folder.name.encode())
        folders = [
            folder_at(uploads, name="uploads"),
            folder_at(avatars, name="avatars", url_path="/uploads/avatars/", public_url="https://a.test/"),
            folder_at(logos, name="logos", url_path="/uploads/logos/", public_url="https://l.test:8443/x/"),
        ]
        (root / "apache/www").mkdir(parents=True)
        aliases = "".join(
            f"Alias {path} {folder}/\n<Directory {folder}>\nRequire all granted\n</Directory>\n"
            for path, folder in (("/uploads/avatars/", avatars), ("/uploads/logos/", logos), ("/uploads/", uploads))
        )
        with serving(root, folders, before=aliases) as running:
            found = {path: running.ask(f"/uploads/{path}here.jpg").body for path in ("", "avatars/", "logos/", "x/")}
            gone = {path: running.ask(f"/uploads/{path}gone.jpg").location for path in ("", "avatars/", "logos/", "x/")}
    assert {path: body for path, body in found.items() if path != "x/"} == {
        "": b"uploads",
        "avatars/": b"avatars",
        "logos/": b"logos",
    }
    assert gone == {
        "": BUCKET_URL + "gone.jpg",
        "avatars/": "https://a.test/gone.jpg",
        "logos/": "https://l.test:8443/x/gone.jpg",
        "x/": BUCKET_URL + "x/gone.jpg",
    }


@pytest.mark.parametrize("module", ["rewrite_module", ""])
def test_the_shipped_example(module: str) -> None:
    """Apache takes it without a word; without mod_rewrite it refuses to start, rather than to hide pictures."""
    with open_directory("vawsum-images-") as root, site() as running:
        whole = running.apache.directory / "apache.conf"
        lines = whole.read_text().split("<VirtualHost")[0].splitlines()
        kept = [line for line in lines if module or "rewrite_module" not in line]
        other = root / "apache.conf"
        other.write_text("\n".join([*kept, "<VirtualHost *>", f"Include {EXAMPLE}", "</VirtualHost>", ""]))
        command = ["/usr/sbin/apache2", "-t", "-f", str(other)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if module:
        assert (ended.returncode, ended.stdout, ended.stderr.strip()) == (0, "", "Syntax OK")
    else:
        assert ended.returncode != 0
        assert "RewriteEngine" in ended.stderr
