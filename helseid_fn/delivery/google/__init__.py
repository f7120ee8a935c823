"""Results and cursors on Google Cloud."""
