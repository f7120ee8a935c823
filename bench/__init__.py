"""What the function costs beside its peers: processes in turns, medians, ratios. `make bench` runs it; never deployed.

Start at `__main__.py`; `peers/` holds the functions that it is measured against, `programs/` what runs in processes of its own.
"""
