"""The server as a dump needs to know it: flavour, client programs, what it holds, accounts, privileges."""
