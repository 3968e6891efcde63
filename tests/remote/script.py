"""A WebSocket server that says on each connection what a test has written down for it."""

import json
import threading

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve


class Script:
    """``parts``: of one connection each, frames (dicts), and at the end a close code or None: then it says no more.

    The first frame is said at once, the others after the client's request. The last part is said to all who come
    later. ``asked`` has their requests.
    """

    def __init__(self, *parts):
        self.parts, self.asked = parts, []
        self.server = serve(self.play, "127.0.0.1", 0, subprotocols=["actorqueues.v1"])
        self.address = f"127.0.0.1:{self.server.socket.getsockname()[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def play(self, socket):
        *frames, code = self.parts[min(len(self.asked), len(self.parts) - 1)]
        try:
            socket.send(json.dumps(frames[0]))
            self.asked.append(json.loads(socket.recv()))
            for frame in frames[1:]:
                socket.send(json.dumps(frame))
            if code is None:
                for _ in socket:
                    pass
            else:
                socket.close(code)
        except ConnectionClosed:
            pass

    def close(self):
        self.server.shutdown()
