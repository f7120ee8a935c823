"""Third-party OAuth clients as published, each in its own process: correct clients that the stand-in must accept.

A program `with_…` reads one JSON object (`issuer`, `client_id`, `jwk`, `scope`, `claims`, `api_url`) and prints the API's
responses. A program `keys_of_…` reads a JSON list of algorithms, makes a key for each and prints their JWKs.
"""
