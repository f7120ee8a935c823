"""Compares the function with its peers: processes in turns, medians, ratios. `make bench` runs it; it is never deployed.

Start at `__main__.py`; `peers/` contains the functions to compare with, `programs/` what runs in processes of its own.
"""
