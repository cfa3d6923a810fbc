"""Running a port on the cases, grading its answers, and naming its likely mistake."""
