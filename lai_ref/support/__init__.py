"""What the lessons stand on: input validation, the complex step, the kink, chunks and files."""
