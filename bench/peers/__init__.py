"""The peers' side of the learning benchmark: runs in .venv-peers, with their libraries and none of ours."""
