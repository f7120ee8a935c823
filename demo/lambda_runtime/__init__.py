"""AWS Lambda on this machine: a Runtime API on loopback and the function as a process under awslambdaric."""
