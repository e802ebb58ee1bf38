"""An office's hours: which mixes its open cases get, what a minute is worth, and the files of plan and price."""
