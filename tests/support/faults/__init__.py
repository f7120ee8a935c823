"""Every way in which a party can fail, injected at every party over real sockets; `table.py` has the expected outcomes."""
