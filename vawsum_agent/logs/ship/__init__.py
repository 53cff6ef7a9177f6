"""From batches to accepted: lanes and destinations, senders, what to do with each answer, asking what arrived."""
