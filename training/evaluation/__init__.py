"""What a version is worth on cases it never saw, for whom, how surely; and the gate."""
