"""The peers' side of the learning benchmark.

Runs in .venv-peers, with their libraries and none of ours.
"""
