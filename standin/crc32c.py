"""CRC-32C (RFC 3720 appendix B.4), the checksum that Secret Manager sends with every payload."""

from functools import lru_cache

_POLYNOMIAL = 0x82F63B78


@lru_cache(maxsize=256)
def crc32c(data: bytes) -> int:
    """Return the checksum."""
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (_POLYNOMIAL if register & 1 else 0)
    return register ^ 0xFFFFFFFF
