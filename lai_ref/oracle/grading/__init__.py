"""Running a port on the cases, grading its answers, and the kill matrix."""
