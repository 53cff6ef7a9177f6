"""What a release must not be published with: fetched from S3, pinned to the release by version, and linked into it.

`names` says what may become a file, `pins` which versions belong to a release, `files` writes them, `fetch` puts that
together, `links` makes the release see them, and `values` says what of them must not be seen: found by `forms`, read by
`readings`, and by `everyones` for all that is on the host.
"""

from vawsum_agent.deploy.secrets.fetch import Secrets, clear_secrets, fetch_secrets, read_secrets
from vawsum_agent.deploy.secrets.links import link_secrets

__all__ = ["Secrets", "clear_secrets", "fetch_secrets", "link_secrets", "read_secrets"]
