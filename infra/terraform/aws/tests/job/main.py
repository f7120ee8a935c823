"""A job without an entry point for Lambda."""  # noqa: INP001  # a folder to deploy is no package
