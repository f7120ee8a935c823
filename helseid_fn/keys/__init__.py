"""The client key and the proof keys: parse, sign, generate. Only this package imports `jwt` and `cryptography`."""
