"""A server that takes requests and answers none, or a byte now and then."""

import socket
import threading
import time
from contextlib import suppress

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"


class Mute:
    """``says``: what it answers at once. ``drips``: whether it goes on with a byte every 50 ms."""

    def __init__(self, says=b"", drips=False, hangs_up=False):
        self.says, self.drips, self.hangs_up, self.requests = says, drips, hangs_up, 0
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}"
        self.is_closed = threading.Event()
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with suppress(OSError):
            while True:
                client, _ = self.listening.accept()
                threading.Thread(target=self.serve, args=[client], daemon=True).start()

    def serve(self, client):
        with client, suppress(OSError):
            client.recv(65536)
            self.requests += 1
            client.sendall(self.says)
            while not self.hangs_up and not self.is_closed.is_set():
                if self.drips:
                    client.sendall(b" ")
                time.sleep(0.05)

    def close(self):
        self.is_closed.set()
        self.listening.close()
