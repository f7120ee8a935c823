"""AWS on this machine, for the tests: Secrets Manager and its Lambda extension, to script and to observe."""
