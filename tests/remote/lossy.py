"""A way to a web server on which answers are lost."""

import json
import socket
import threading
from contextlib import closing
from urllib.parse import urlsplit


class Lossy:
    """Passes requests on; of the first ``losses`` it lets the server answer, and hangs up on the client."""

    def __init__(self, url, losses):
        parts = urlsplit(url)
        self.server, self.losses, self.requests = (parts.hostname, parts.port), losses, 0
        self.bodies = []  # of the requests, as JSON
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            with closing(client), closing(socket.create_connection(self.server)) as server:
                client.settimeout(0.2)
                self.pass_on(client, server)

    def pass_on(self, client, server):
        request = receive_request(client)
        self.requests += 1
        self.bodies.append(json.loads(request.partition(b"\r\n\r\n")[2] or b"null"))
        server.sendall(request.replace(b"Connection: keep-alive", b"Connection: close"))
        answer = b""
        while part := server.recv(65536):
            answer += part
        if self.requests > self.losses:
            client.sendall(answer)

    def close(self):
        self.listening.close()


def receive_request(client):
    request = b""
    while True:
        try:
            part = client.recv(65536)
        except TimeoutError:
            return request
        if not part:
            return request
        request += part
