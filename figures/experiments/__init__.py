"""What several figures compute, and how long computations run in parallel and are cached."""
