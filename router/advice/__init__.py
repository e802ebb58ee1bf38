"""From a case to advice and its record, one by one or a file of them. Knows no transport."""
