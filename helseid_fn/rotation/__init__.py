"""How the client key is replaced before it expires."""
