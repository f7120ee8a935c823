"""HTTP as HelseID's security profile requires it: nonces, deadlines, bounded retries."""
