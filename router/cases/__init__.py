"""What a case is: its fields as the annotated contract has them, and how one is read from a message or a file."""
