"""MySQL and MariaDB as a client sees them: the option file that says where and as whom, and one connection."""
