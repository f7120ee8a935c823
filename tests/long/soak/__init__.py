"""Very many calls while the parties fail and change in every way: `make soak`."""
