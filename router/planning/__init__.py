"""An office's hours: mixes for its open cases, what a minute is worth, files of plan and price."""
