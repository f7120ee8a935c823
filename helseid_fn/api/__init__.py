"""Calls to an API that HelseID protects."""
