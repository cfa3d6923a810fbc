"""What holds the lessons up: input validation, analytic |z|, blocks, files, numerical gradients."""
