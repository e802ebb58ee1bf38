"""What an agency with more mixes and more fields than today's pays for it."""
