"""The command line, `helseid-fn`; no deployed function loads it."""
