"""Third-party OAuth clients as published, each in its own process: correct clients that the stand-in must accept.

Each program reads one JSON object (`issuer`, `client_id`, `jwk`, `scope`, `claims`, `api_url`) and prints the API's responses.
"""
