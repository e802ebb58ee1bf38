"""Model versions on disk: verified, their signature checked, and read without running anything."""
