"""Where a journal is kept: one SQLite file, or a PostgreSQL database. Another store joins here.

It does what `router/journal/store.py` asks for, and `router/journal/opening.py` knows its URL.
"""
