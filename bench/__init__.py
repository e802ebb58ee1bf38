"""Side-by-side benchmarks; never part of the default test run."""
