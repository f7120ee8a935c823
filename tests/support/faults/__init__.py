"""Every way in which a party can fail, inflicted on every party over real sockets; `table.py` says what must come of it."""
