"""The function as its hosts call it: events in, jobs done, responses out."""
