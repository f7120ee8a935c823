"""How many inputs are tried: the same few in every test run, many and always new ones in `make fuzz`."""

from hypothesis import HealthCheck, settings

settings.register_profile("default", settings(database=None, deadline=None, suppress_health_check=list(HealthCheck)))
settings.register_profile("short", settings(settings.get_profile("default"), max_examples=100, derandomize=True))
settings.register_profile("long", settings(settings.get_profile("default"), max_examples=7_000, print_blob=True))
settings.load_profile("short")
