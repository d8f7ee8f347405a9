"""A server on this machine that does what each test tells it, and archives to serve."""

import gzip
import io
import tarfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from qkernels.fetch.archives import Archive

NAME = "mobilenet_v1_0.25_128_quant"
MODEL = bytes(4) + b"TFL3" + np.random.default_rng(0).bytes(300_000)


def tgz(*entries):
    """An archive of (name or TarInfo, contents)."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry, contents in entries:
            if isinstance(entry, str):
                entry = tarfile.TarInfo(entry)
                entry.size = len(contents)
            tar.addfile(entry, io.BytesIO(contents))
    return gzip.compress(plain.getvalue(), mtime=0)


GOOD = tgz(("./labels.txt", b"background\n"), (f"./{NAME}.tflite", MODEL))


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.requests.append(dict(self.headers))
        turns = self.server.turns
        (turns.pop(0) if turns else serve())(self)

    def log_message(self, *_):
        pass


def serve(body=GOOD, *, tag='"1"', ranges=True, send=None, length=None, stall=0.0, changed=None):
    """An answer with `body`, of which only `send` bytes are sent; `length` is what the headers say.

    A range is served if `ranges` and the condition holds; `changed` serves it from other bytes, as if the condition were not
    looked at.
    """
    def answer(handler):
        start = 0
        asked = handler.headers.get("Range")
        if asked and ranges and (handler.headers.get("If-Range") == tag or changed):
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        if start >= len(body):
            handler.send_response(416)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        part = (changed or body)[start:]
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if tag:
            handler.send_header("ETag", tag)
        handler.send_header("Content-Length", str(len(part) if length is None else length))
        handler.end_headers()
        try:
            handler.wfile.write(part[:send])
            handler.wfile.flush()
            time.sleep(stall)
        except ConnectionError:                   # the client had enough
            pass
        if send is not None or length is not None:
            handler.close_connection = True
    return answer


def status(code):
    def answer(handler):
        handler.send_response(code)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
    return answer


@pytest.fixture
def server():
    """`turns`: what it does with each request in turn, afterwards it serves the good archive; `requests`: their headers."""
    found = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.daemon_threads = True
    found.turns, found.requests = [], []
    found.url = f"http://127.0.0.1:{found.server_port}/{NAME}.tgz"
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    found.shutdown()
    thread.join()
    found.server_close()


@pytest.fixture
def archive(server):
    """Of no known sum."""
    return Archive(NAME, server.url)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
