"""What is wrong in a port, from its answers: where, what kind of error, and which mistake."""
