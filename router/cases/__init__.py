"""What a case may hold, as the annotated contract has it, and how one is read: message or file."""
