"""The offline side: simulate or read logged cases, fit value tables, promote a model version."""
