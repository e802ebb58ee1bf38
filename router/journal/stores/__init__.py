"""Where a journal is kept: one SQLite file, or a PostgreSQL database. Another store joins here."""
