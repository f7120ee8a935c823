"""A stand-in for AWS Secrets Manager and its Lambda extension, for tests only."""
