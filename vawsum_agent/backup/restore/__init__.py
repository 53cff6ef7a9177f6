"""Backups into servers again, or onto stdout.

plan      which frames, in which order (pure)
source    a frame's SQL out of S3, verified, in bounded memory
keys      indexes that are built after the rows (pure)
head      what every session of a restore begins with (pure)
accounts  users, roles, and what they may
meter     how far it is
client    one client program as a child process
words     what it said of its failure (pure)
table     a run of frames through one client
load      all phases, tables in parallel
target    the server that is written to: what it is, and what would be overwritten
allowed   whether a restore may begin
progress  what is done, so that a broken restore goes on
counts    the rows of what was restored
report    what the server has in the end, against the manifest
run       all of it
text      the same as SQL for a person or a pipe
"""
