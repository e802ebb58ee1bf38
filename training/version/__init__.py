"""A version as it is kept: its files, card, register entry and signature; promotion, rollback, comparison."""
