"""`make demo`: the function signs in to HelseID and calls the Sample API, between processes on this machine."""
