"""What holds the lessons up: input validation, analytic |z|, the kink, chunks, files, numerical gradients."""
