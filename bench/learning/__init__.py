"""What learning is worth, against the peers: `python -m bench.learning`.

How to read it is in docs/benchmarks.md.
"""
