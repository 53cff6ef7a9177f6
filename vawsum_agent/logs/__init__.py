"""The way of a log line, folder by folder.

    follow/    which files there are, which is which after a rotation, and their bytes in order
    formats/   where an entry starts and what its time is, format by format
    batch/     from bytes to requests: cut whole entries, stamp them, compose (pure)
    read/      the loop that reads what is due and for which there is room
    ship/      journal, send, read the answer, ask what became of it; lanes, destinations, backoff

`component` puts them together; `ledger` counts every byte on its way; `deadletter` keeps what CloudWatch can't take;
`replay` sends that again; `redact` masks values by name; `health` says what is wrong, `doctor/` what will go wrong.
"""
