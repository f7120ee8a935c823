"""The walk-through of `make demo`: the main job for real, between processes on this machine, told to a person."""
