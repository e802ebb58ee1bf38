"""A version as it is kept: its files, card and signature; promoted, rolled back, compared."""
