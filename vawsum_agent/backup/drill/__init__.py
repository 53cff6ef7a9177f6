"""The rehearsal of a restore: a backup restored whole into a private scratch server, counted, checked, and timed.

room       how much disk and memory that takes (pure), and how much there is
programs   which server programs of this host fit a backup
place      the folder of a scratch server, and what a killed drill left of one
options    how it is started (pure)
scratch    the server itself
restoring  the restore itself, by what `backup restore` does
shell      statements of ours in it
zones      the time zones that events may name
plugins    those by which accounts log in
checks     what it is asked
differences  what it answers, against the manifest (pure)
examine    all questions in order
drill      all of it, and what is put beside the backup
record     the same, told to this host's journal

Nothing here touches the server that was backed up: not its data, its socket, its port or its option files.
"""
