"""SYNTHETIC cases and years with known effects. Describes no real person."""
