"""The way out: the journal's records as events for other systems, in order, at least once."""
