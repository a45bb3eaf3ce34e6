"""Handlers to measure ours against, under the very same server: `python plain.py NAME PORT`.

`bare` answers "ok" and reads nothing. `tutorial` is what a developer writes after Apple's tutorial,
exercises 01 and 02: it verifies, unpacks and reads, and stores nothing. `inserting` does that and
commits each message to SQLite before it answers.
"""

import gzip
import json
import sqlite3
import sys
import threading

import jwt
from flask import Flask, request
from running import MSP_ID, SECRET

from msp_server.web.server import bind


def bare():
    """Answer "ok"."""
    app = Flask("bare")

    @app.post("/message")
    def receive_message():
        return "ok"

    return app


def read_verified():
    """Give what a request says, or None when Apple did not send it."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    try:
        jwt.decode(
            token, SECRET, algorithms=["HS256"], audience=MSP_ID, options={"verify_iat": False}
        )
    except jwt.InvalidTokenError:
        return None
    return json.loads(gzip.decompress(request.get_data()))


def tutorial():
    """Verify, unpack and read."""
    app = Flask("tutorial")

    @app.post("/message")
    def receive_message():
        message = read_verified()
        if message is None:
            return "not from Apple", 403
        match message["type"]:
            case "text":
                words = message["body"]
            case _:
                words = None
        return "ok" if words else ("ok", 200)

    return app


def inserting():
    """Verify, unpack, read, and commit: a connection for each thread, WAL, synchronous=FULL."""
    app = Flask("inserting")
    kept = threading.local()

    def connection():
        if not hasattr(kept, "connection"):
            kept.connection = sqlite3.connect("messages.db")
            kept.connection.execute("PRAGMA journal_mode=WAL")
            kept.connection.execute("PRAGMA synchronous=FULL")
            kept.connection.execute(
                "CREATE TABLE IF NOT EXISTS messages (id TEXT PRIMARY KEY, source TEXT, body TEXT)"
            )
        return kept.connection

    @app.post("/message")
    def receive_message():
        message = read_verified()
        if message is None:
            return "not from Apple", 403
        row = (message["id"], request.headers["source-id"], json.dumps(message))
        with connection() as database:
            database.execute("INSERT OR IGNORE INTO messages VALUES (?, ?, ?)", row)
        return "ok"

    return app


if __name__ == "__main__":
    make = {"bare": bare, "tutorial": tutorial, "inserting": inserting}[sys.argv[1]]
    server = bind(make(), "127.0.0.1", int(sys.argv[2]))
    print("up", flush=True)
    server.run()
