"""The ledger: from the journal to what a leader reads.

Drawings and page need the optional extra `ledger`.
"""
