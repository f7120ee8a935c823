"""Faster boto3 clients: AWS's models are read once, which takes most of the time of creating a client."""

import botocore.loaders
import botocore.session

_loader = botocore.loaders.create_loader()


def share_models() -> None:
    """Make all later clients of this process share the models."""
    botocore.session.create_loader = lambda *_: _loader
