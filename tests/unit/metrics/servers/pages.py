"""Pages as the servers write them, and ways to spoil them."""

from __future__ import annotations

APACHE = (
    b"""127.0.0.1
ServerVersion: Apache/2.4.62 (Debian)
ServerMPM: event
CurrentTime: Tuesday, 24-Nov-2026 15:32:36 UTC
ServerUptimeSeconds: 86400
ServerUptime: 1 day
Load1: 0.65
Total Accesses: 1200
Total kBytes: 3400
Total Duration: 48000
CPUUser: .5
Uptime: 86400
ReqPerSec: .0138889
BusyWorkers: 3
GracefulWorkers: 0
IdleWorkers: 47
Processes: 2
Stopping: 0
ConnsTotal: 9
ConnsAsyncWaitIO: 0
ConnsAsyncKeepAlive: 6
Scoreboard: __W_R_K"""
    + b"_" * 43
    + b"." * 100
    + b"\n"
)

FPM = (
    b'{"pool":"www","process manager":"dynamic","start time":1795534905,"start since":3600,"accepted conn":812,'
    b'"listen queue":2,"max listen queue":5,"listen queue len":511,"idle processes":1,"active processes":4,'
    b'"total processes":5,"max active processes":5,"max children reached":7,"slow requests":3}'
)

HTML = b"<!DOCTYPE html><html><head><title>Welcome</title></head><body>BusyWorkers: many</body></html>"

NONSENSE = [
    "nan",
    "NaN",
    "inf",
    "-1",
    "-0.5",
    "1e400",
    "99999999999999999999999",
    "",
    "soon",
    "0x10",
    "1_000",
    "\u0663",
]
"""What a number must not be."""
