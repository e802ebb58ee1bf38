"""The service beside other servers of models: `make bench-peers`.

A file `of_NAME.py` is a peer's server; it runs in build/peers/NAME, with the libraries of NAME.lock
and none of ours, as `of_NAME.py MODEL PORT OTHER MOST`: the model's file, the port that is called,
another that is free, and how many requests may be gathered to one prediction (1: none are).
"""
