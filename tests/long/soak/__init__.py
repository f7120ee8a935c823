"""Very many calls while everything that can happen to the parties happens to them: `make soak`."""
