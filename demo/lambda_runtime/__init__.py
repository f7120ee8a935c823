"""AWS Lambda on this machine: the Runtime API on loopback, and the function as a process under awslambdaric."""
