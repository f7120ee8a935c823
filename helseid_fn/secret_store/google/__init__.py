"""The private key in Google Secret Manager."""
