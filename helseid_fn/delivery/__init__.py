"""Where a result goes, and where a job's cursor is kept."""
