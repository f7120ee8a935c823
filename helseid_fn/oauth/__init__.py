"""The client credentials grant with private_key_jwt and DPoP."""
