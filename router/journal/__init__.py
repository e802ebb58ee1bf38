"""The journal: the durable, tamper-evident record of what was recommended.

A record is appended once, never changed; its content can be erased without breaking the chain.
"""
