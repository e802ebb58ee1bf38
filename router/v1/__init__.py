"""Stubs of the contract router.v1, made by `make stubs`: do not edit."""
