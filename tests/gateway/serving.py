import socket
import time
from urllib.error import URLError
from urllib.request import urlopen


def free_port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def wait_for_answer(url, server):
    give_up_at = time.monotonic() + 30
    while True:
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, ConnectionError):
            assert time.monotonic() < give_up_at, server.output
            assert server.returncode is None, server.output
            time.sleep(0.05)
