"""``python -m benchmarks.web.wsgi PORT``: the same under WSGI, a thread a connection."""

import sys

from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


class Server(ThreadedWSGIServer):
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    server = Server(("127.0.0.1", int(sys.argv[1])), QuietHandler)
    server.set_app(get_wsgi_application())
    server.serve_forever()
