"""Does `python -m standin` report why it does not start?"""

import socket
import subprocess
import sys


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "standin", "--alg", "ES256", "--port-base", str(port)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    sentence = f"Port {port} is in use. Stop the program that uses it, or choose another --port-base.\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", sentence)
