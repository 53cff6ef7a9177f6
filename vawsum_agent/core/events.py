"""The catalogue of log events: every name the agent logs, and what it tells. A test holds the code to it.

Names are past-tense facts; what an event is about is in its context (``path``, ``group``, ``component``, …).
"""

from __future__ import annotations

EVENTS = {
    # the daemon
    "agent_started": "The daemon begins; lists the configuration files it read.",
    "agent_stopped": "The daemon ends, with its exit code.",
    "bug_contained": "Code of one part raised what it should not; the part is replaced. Report the trace.",
    "component_drain_incomplete": "The deadline of a drain passed with work left; it stays on disk for the next start.",
    "component_drained": "A component has delivered all it had.",
    "component_failed": "A component says that it can't go on; it is built anew after a backoff.",
    "component_hung": "A loop of a component gave no sign of life; the component is replaced.",
    "component_not_started": "A component could not start; it is tried again after a backoff.",
    "component_started": "A component runs.",
    "component_stopped": "A component has ended.",
    "config_refused": "A reload met a configuration that can't be used; the one before goes on.",
    "config_reloaded": "A reload is done.",
    "control_accept_failed": "A connection to the control socket could not be taken.",
    "identity_resolved": "Who this host is, and where that was found.",
    "library_warned": "A library logged a warning; its text is attached.",
    "operation_failed": "A start, drain, reload or stop of the daemon failed.",
    "snapshot_not_saved": "The status could not be written to the state store.",
    "stop_forced": "A second signal came: the daemon ends without draining.",
    "stop_requested": "A signal asked the daemon to drain and stop.",
    # the state store
    "count_not_kept": "A counter could not be written; what it counted shows in status until the daemon ends.",
    "disk_full": "The state store met a full disk and goes on with its reserve.",
    "disk_recovered": "The state store could set its reserve aside again.",
    "state_begun": "No state store was there: a first start, every file is read from where start_at says.",
    "state_recovered": "The state store was damaged; says what took its place. The damaged file is kept beside it.",
    # following files
    "file_rotated": "A log file was moved away from its live path; it is read on.",
    "file_truncated": "A log file no longer holds what was read of it; the rest is searched for in its copies.",
    "generation_found": "A known generation of a log was found in another file and is read on there.",
    "generation_met": "A generation of a log was met for the first time.",
    "log_bytes_lost": "A log was truncated or deleted before it was read to its end; says how much, where known.",
    "log_not_followed": "A log file can't be opened or read.",
    "log_not_readable": "Reading a log file failed; it is tried again.",
    "reader_died": "The reader thread ended on a bug; the component is replaced.",
    "watching_given_up": "The kernel has no more watches of folders to give; files are looked at by the scan alone.",
    # shipping
    "batch_confirmed": "A batch of unknown fate was found in its stream: it is not sent again.",
    "batch_not_booked": "A batch could not be recorded in the state store; it waits.",
    "batch_not_recomposed": "After a crash the bytes of a batch under way were not found again; counted as ambiguous.",
    "batch_refused": "CloudWatch called a batch invalid; it is halved until only what is wrong is left.",
    "batch_sent_again": "A batch of unknown fate was not found in its stream and is sent again.",
    "confirmation_not_allowed": "GetLogEvents is not allowed: delivery is at least once instead of once.",
    "dead_letter_limit_reached": "The oldest dead letters were removed to stay within dead_letter_limit.",
    "dead_letters_lost": "Undeliverable events could not be kept; they are counted.",
    "destination_failing": "A log group refuses or does not answer; it backs off, the others go on.",
    "destination_recovered": "A log group takes events again.",
    "event_refused": "CloudWatch refused one event; it is a dead letter now.",
    "events_undeliverable": "CloudWatch did not take some events of a batch; they are counted by reason.",
    "log_group_created": "A log group was created, with its retention and key.",
    "log_stream_created": "A log stream was created.",
    "rejected_info_unreadable": "CloudWatch accepted a batch but not all its events; which ones could not be read.",
    "sender_died": "A sender thread ended on a bug; the component is replaced.",
    "stream_not_readable": "A stream could not be asked what it holds.",
    # notifications
    "alert_memory_unreadable": "What was remembered of a component's trouble could not be read; it is begun anew.",
    "alerts_died": "The thread of the alerts ended on a bug; the component is replaced.",
    "notification_decided": "People are to be told about a component; says what kind of message it is.",
    "notification_sent": "SNS took a notification.",
    "notifications_failing": "SNS does not take notifications; they are kept and tried again.",
    "notifications_folded": "More notifications wait than are kept: the oldest are counted in one note.",
    "notifications_not_kept": "Notifications could not be written to the state store; they are held in memory.",
    "notifications_recovered": "SNS takes notifications again.",
}
"""Name → meaning."""
