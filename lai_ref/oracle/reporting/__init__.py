"""What a port answered, summed up: the report, its verdict, and answers as JSON."""
