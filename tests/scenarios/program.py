"""A program of another team: verifies what it is asked, and answers as a test tells it."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Elsewhere:
    """What such a program was asked, and how it answers."""

    def __init__(self):
        #: Takes what is asked, and gives a status and what is answered.
        self.answer = lambda _asked: (204, None)
        self.secret = SECRET
        self.asked = []
        self.ids = []
        self.url = ""

    def take(self, headers, body):
        try:
            asked = Webhook(self.secret).verify(body, dict(headers))
        except WebhookVerificationError:
            return 401, None
        self.asked.append(asked)
        self.ids.append(headers["webhook-id"])
        return self.answer(asked)


@contextmanager
def elsewhere():
    """Run a program on a free port until the block ends."""
    program = Elsewhere()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer = program.take(self.headers, body)
            packed = answer if isinstance(answer, bytes) else b""
            if answer is not None and not isinstance(answer, bytes):
                packed = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(packed)))
            self.end_headers()
            self.wfile.write(packed)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    program.url = f"http://127.0.0.1:{server.server_port}/messages"
    try:
        yield program
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
