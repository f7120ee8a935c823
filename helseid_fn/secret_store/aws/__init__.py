"""The private key in AWS Secrets Manager."""
