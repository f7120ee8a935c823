"""Random inputs for every entry point and parser: `make fuzz` runs them at length, the tests briefly."""
