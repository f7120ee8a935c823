"""Other people's OAuth clients, as they are published, in processes of their own: right clients that the stand-in must accept.

Each program reads one JSON object (`issuer`, `client_id`, `jwk`, `scope`, `claims`, `api_url`) and prints the API's answers.
"""
