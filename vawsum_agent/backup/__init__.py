"""Backups of MySQL and MariaDB: dump, compress, upload, publish; restore; verify and drill; retention."""
