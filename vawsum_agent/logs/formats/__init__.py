"""What each log format knows: where its entries start, where their timestamps stand, and what time these tell.

    format.py     the Format every other file here makes
    registry.py   from a source's configuration to its Format
    apache.py  php.py  mysql.py  syslog.py  json_lines.py  plain.py
    civil.py      dates and clocks as numbers        iso8601.py  ISO 8601 and epoch numbers
    zones.py      local time to epoch time           match.py    how well a format fits given lines

Nothing here does I/O. No function raises for what a log file holds.
"""
