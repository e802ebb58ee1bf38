"""From a case to advice: decided, explained and made ready to record; one at a time, or a file of them. Knows no transport."""
