"""How files are read and written: nothing is left half-written, nothing is believed unseen."""
