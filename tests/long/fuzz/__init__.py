"""Inputs nobody thought of, for every entry point and everything that is parsed: `make fuzz`, in short in the tests."""
