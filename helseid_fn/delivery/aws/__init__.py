"""Results and cursors on AWS."""
