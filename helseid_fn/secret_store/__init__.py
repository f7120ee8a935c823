"""Where the private key is kept."""
