"""Signs in to HelseID as a machine and calls an API that HelseID protects.

Start reading in `main.py`, then `job.py`: the whole job, in order. Every other module has one subject, named after a thing
in the specification (`assertion`, `dpop`, `challenges`) or a place in the flow (`triggers`, `tokens`, `transport`, `api`).
"""
