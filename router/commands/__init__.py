"""The commands of `python -m router`, one file each; `router.__main__` gathers them."""
