"""Apache's configuration: who asks for a picture that moved is sent to where it is now. Pure.

Apache looks at a file more than once before it opens it, and the file may go in between. So there is an answer at each
point: before anything else a rewrite rule, and for a file that was there then and is not any more, sections that are
merged after all others. What other rules do with a file that is there is theirs: a script that guards the folder
goes on guarding it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vawsum_agent.core.text import toml
from vawsum_agent.images.beneath import QUARANTINE
from vawsum_agent.images.inspect.content import EXTENSIONS
from vawsum_agent.images.serve.addresses import addresses
from vawsum_agent.images.serve.quoting import in_pattern, in_test_string

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vawsum_agent.config.model import ImagesFolder
    from vawsum_agent.images.serve.addresses import Address

_HEAD = """\
# Sends visitors to the pictures that moved to S3. Written by `vawsum-agent images apache-config`: change the agent's
# configuration and write it again, never this file. On Debian:
#   vawsum-agent images apache-config > /etc/apache2/vawsum-images.conf
#   a2enmod rewrite
#   # in each <VirtualHost> that serves the folders, before the application's own RewriteRules, and after rules that
#   # shall hold for pictures too, such as one that leads to https:
#   #     Include /etc/apache2/vawsum-images.conf
#   apache2ctl configtest && systemctl reload apache2
# Needs Apache 2.4.26. It holds in the virtual host alone: not in .htaccess, not for all hosts at once.

RewriteEngine On
RewriteMap vawsum-escape int:escape
"""

_QUARANTINE = QUARANTINE.decode()
# Whatever precedes it is matched lazily: no long path can make PCRE give up before it comes to it.
_PHP = r"\.ph(?:p[0-9]*|ar|tml|ps|t)"

_TAIL = f"""
# What is being removed right now; also where another way leads to the folder.
<DirectoryMatch "/{in_pattern(_QUARANTINE)}(?:/|$)">
    Require all denied
</DirectoryMatch>
"""

_FOLDER = r"""
# {name}: {path} at {url_path}, moved to {public_url}
RewriteRule "^{site}{quarantine}(?:/|$)" "-" [R=404]

# Which file is asked for. Apache has decoded the path, and resolved the dots in it that lead up.
RewriteCond %{{REQUEST_METHOD}} "^(?:GET|HEAD)$"
RewriteCond {file}/$1 "^(.+)$"
RewriteRule "^{site}{below}((?:[^/]+/)*[^/]+{extension})$" "-" [E=VAWSUM_FILE_{n}:%1]

# It is gone. A + is encoded too: S3 takes it for a space.
RewriteCond %{{ENV:VAWSUM_FILE_{n}}} "."
RewriteCond %{{ENV:VAWSUM_FILE_{n}}} "!-f"
RewriteCond %{{ENV:VAWSUM_FILE_{n}}} "!-d"
RewriteCond ${{vawsum-escape:$1}} "^(.+)$"
RewriteRule "^{site}(.+)$" "{public_url}%1" [R=302,B=+,NE,L]

# It is here, but may go before it is opened: its address is put by. E= encodes no +, so each takes a round of its own.
RewriteCond %{{ENV:VAWSUM_FILE_{n}}} "."
RewriteCond %{{ENV:VAWSUM_FILE_{n}}} "!-d"
RewriteCond %{{ENV:VAWSUM_IMAGE_{n}}} "^$"
RewriteCond ${{vawsum-escape:$1}} "^(.+)$"
RewriteRule "^{site}(.+)$" "-" [E=VAWSUM_IMAGE_{n}:%1]
RewriteCond %{{ENV:VAWSUM_IMAGE_{n}}} "^(.*)\+(.*)$"
RewriteRule "^" "-" [E=VAWSUM_IMAGE_{n}:%1\%2B%2,N]
RewriteCond %{{ENV:VAWSUM_IMAGE_{n}}} "."
RewriteCond %{{QUERY_STRING}} "^(.+)$"
RewriteRule "^" "-" [E=VAWSUM_QUERY_{n}:?%1]

# No PHP is run in a folder that anybody may upload to: not with a path behind it, nor with a second extension.
RewriteRule "^{site}{below}.*?{php}(?:$|/|\.[^/]*/)" "-" [NC,F]
RewriteCond %{{REQUEST_URI}} "!{extension}$"
RewriteRule "^{site}{below}.*?{php}\." "-" [NC,F]

# A picture is served as it is, whatever handler its name or an .htaccess file gives it.
<If "%{{REQUEST_URI}} =~ m#^{site}{below}# && %{{REQUEST_FILENAME}} =~ m#{extension}$#">
    SetHandler default-handler
</If>

# Gone when Apache opened it (403) or looked for it (404), or when a later rule of the virtual host looked for it and
# took the request for the application: that ends here.
<If "-n reqenv('VAWSUM_IMAGE_{n}') && (! -f reqenv('VAWSUM_FILE_{n}') || %{{REQUEST_FILENAME}} =~ m#{extension}$#)">
    ErrorDocument 403 "{public_url}%{{reqenv:VAWSUM_IMAGE_{n}}}%{{reqenv:VAWSUM_QUERY_{n}}}"
    ErrorDocument 404 "{public_url}%{{reqenv:VAWSUM_IMAGE_{n}}}%{{reqenv:VAWSUM_QUERY_{n}}}"
</If>
<If "-n reqenv('VAWSUM_IMAGE_{n}') && ! -f reqenv('VAWSUM_FILE_{n}')">
    RewriteEngine On
    RewriteRule "^" "-" [F]
</If>

# Gone when a rule in <Directory> or .htaccess looked for it. The request has begun anew then, for the application.
<If "-n reqenv('REDIRECT_VAWSUM_IMAGE_{n}') && ! -f reqenv('REDIRECT_VAWSUM_FILE_{n}')">
    ErrorDocument 403 "{public_url}%{{reqenv:REDIRECT_VAWSUM_IMAGE_{n}}}%{{reqenv:REDIRECT_VAWSUM_QUERY_{n}}}"
    RewriteEngine On
    RewriteRule "^" "-" [F]
</If>
"""


def apache_configuration(folders: Iterable[ImagesFolder]) -> str:
    """Write the lines to include in a virtual host, for all folders that have a `public_url`.

    Args:
        folders: as the configuration was accepted; `public_url` and `url_path` hold nothing that Apache expands.

    Raises:
        AddressError: see `addresses`.
    """
    sections = [_section(number, address) for number, address in enumerate(addresses(folders), start=1)]
    return "".join([_HEAD, *sections, _TAIL])


def _section(number: int, address: Address) -> str:
    folder = address.folder
    types = "|".join(extension[1:] for kind in folder.types for extension in EXTENSIONS[kind])
    inner = "|".join(map(in_pattern, address.inner))
    return _FOLDER.format(
        n=number,
        # Neither ends its line: a backslash there would carry the comment on into the next one.
        name=toml(folder.name),
        path=toml(folder.path),
        url_path=address.url_path,
        public_url=folder.public_url,
        site=in_pattern(address.url_path),
        below=f"(?!{inner})" if inner else "",
        quarantine=in_pattern(_QUARANTINE),
        file=in_test_string(folder.path),
        php=_PHP,
        extension=rf"\.(?i:{types})",
    )
