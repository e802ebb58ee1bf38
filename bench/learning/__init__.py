"""What learning is worth, against the peers: `python -m bench.learning`; docs/benchmarks.md says how to read it."""
