"""boto3's clients, made without reading AWS's models from files anew each time, which takes six sevenths of their making."""

import botocore.loaders
import botocore.session

_loader = botocore.loaders.create_loader()


def share_models() -> None:
    """Let all clients of this process that are made from now on share what one of them has read."""
    botocore.session.create_loader = lambda *_: _loader
