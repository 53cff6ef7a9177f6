"""Real Apache, PHP-FPM, MariaDB and rsyslog in private directories, for the demo and the tests; never shipped."""
