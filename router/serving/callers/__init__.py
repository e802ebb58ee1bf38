"""Who calls, by certificate or token; what they may call, for which offices, and how much."""
