"""S3's stand-in where two clients race: an nginx that reads whole objects over TLS, keeps none, and confirms them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench.nginx import Nginx

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.aws.certificate import Certificate

# A body is read to its end before the answer, which is why a PUT passes through a second server of the same process.
# The bucket is empty whenever it is listed, and everything else that is asked for is there, as large as it should be:
# rclone looks at each object once it is stored.
_CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 2m;
    client_body_buffer_size 2m;
    keepalive_timeout 600s;
    keepalive_requests 10000000;
    upstream storing {{ server unix:{folder}/storing.sock; keepalive 64; keepalive_requests 10000000; }}
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        root {folder};
        location / {{
            error_page 418 = @storing;
            error_page 419 = @listing;
            if ($request_method = PUT) {{ return 418; }}
            if ($args ~ "(^|&)(delimiter|list-type|prefix)=") {{ return 419; }}
            return 404;
        }}
        location ~ \\.jpg$ {{
            error_page 418 = @storing;
            if ($request_method = PUT) {{ return 418; }}
            try_files /object =404;
        }}
        location @listing {{
            default_type application/xml;
            return 200 '<?xml version="1.0" encoding="UTF-8"?><ListBucketResult/>';
        }}
        location @storing {{
            proxy_pass http://storing;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header If-None-Match "";
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
        }}
    }}
    server {{
        listen unix:{folder}/storing.sock;
        location / {{
            add_header ETag '"bench"';
            add_header x-amz-checksum-sha256 $http_x_amz_checksum_sha256;
            return 200;
        }}
    }}
}}
"""


class NginxBucket(Nginx):
    """Any bucket, for objects of one size.

    Args:
        directory: for all of it.
        object_bytes: size of every object that is asked for.
    """

    def __init__(self, directory: Path, object_bytes: int) -> None:
        super().__init__(directory)
        self._object_bytes = object_bytes

    def prepare(self) -> None:
        """See `Nginx.prepare`."""
        super().prepare()
        (self.directory / "object").write_bytes(bytes(self._object_bytes))

    def configuration(self, certificate: Certificate) -> str:
        """See `Nginx.configuration`."""
        return _CONFIGURATION.format(
            folder=self.directory, port=self.port, certificate=certificate.chain, key=certificate.key
        )
