"""Files that the agency edits: the catalogue of mixes, the national policy and those of offices."""
