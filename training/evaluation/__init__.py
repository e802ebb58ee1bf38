"""What a model is worth on cases it never saw, for whom, how surely, and whether the gate lets it pass."""
