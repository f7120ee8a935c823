"""Jobs that follow a register into a bucket, while they are killed, overlap and fail: `make deliveries`."""
