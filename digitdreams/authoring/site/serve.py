"""Serve the book on this machine alone: a page's search needs a server."""

import functools
import http.server
import webbrowser
from collections.abc import Callable
from pathlib import Path


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files of a folder, without a line for each request."""

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


def server(folder: Path, port: int = 0) -> http.server.ThreadingHTTPServer:
    """A server of a folder on 127.0.0.1; port 0 takes a free one."""
    handler = functools.partial(Handler, directory=str(folder))
    return http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)


def serve(folder: Path, port: int, browser: bool, say: Callable[[str], None]) -> None:
    """Serve until Ctrl-C, and open a browser where one is wanted."""
    with server(folder, port) as running:
        address = f"http://127.0.0.1:{running.server_address[1]}/en/index.html"
        say(f"The book is at {address}; Ctrl-C ends it.")
        if browser:
            webbrowser.open(address)
        try:
            running.serve_forever()
        except KeyboardInterrupt:
            say("Ended.")
