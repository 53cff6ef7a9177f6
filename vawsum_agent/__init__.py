"""vawsum-agent: one daemon for the logs, metrics, uploads, backups and deploys of a PHP host on AWS."""

__version__ = "0.1.0"
