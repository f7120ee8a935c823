"""boto3 within our deadline, for whatever calls AWS."""
