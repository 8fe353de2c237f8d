"""The local server of `minidit explore`: one page, and the clips that it asks for. Only this computer can reach it."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from threading import Lock

from minidit.course.explore.moments import about, scenes
from minidit.errors import UserError
from minidit.generation.settings import SamplingSettings

HERE = Path(__file__).parent
HOST, PORT = "127.0.0.1", 8731
MOST_BYTES = 10_000  # of what the page may ask
RULES = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Server(ThreadingHTTPServer):
    """A server that asks no name server for its own name, which takes long where there is no network."""

    def server_bind(self):
        """As socketserver's."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address


def page(studio):
    """The whole page as one file that needs nothing else."""

    def text(name):
        return (HERE / name).read_text(encoding="utf-8")

    parts = {
        "{style}": text("../moving/scene.css") + text("explore.css"),
        "{script}": text("../moving/scene.js") + text("explore.js"),
        "{about}": json.dumps(about(studio)).replace("<", "\\u003c"),
    }
    whole = text("explore.html")
    for name, part in parts.items():
        whole = whole.replace(name, part)
    return whole.encode()


def make(studio, asked):
    """Scenes for {"prompt", "seed", "steps", "guidance"}, each as its length and its bytes.

    Raises:
        UserError: what is asked makes no sense.
    """
    try:
        prompt, seed = str(asked["prompt"]), asked["seed"]
        sampling = SamplingSettings(steps=asked["steps"], guidance=asked["guidance"])
    except (KeyError, TypeError) as error:
        raise UserError("ask for a prompt, a seed, a number of steps and a guidance.") from error
    if type(seed) is not int or seed < 0:
        raise UserError(f"the seed must be a whole number of at least 0; got {seed!r}.")
    prompt = studio.check(prompt)
    return b"".join(len(scene).to_bytes(4, "little") + scene for scene in scenes(studio, prompt, seed, sampling))


def server_of(studio, port=None):
    """A server, not yet running.

    Args:
        studio: Studio.
        port: from 0 to 65535, where 0 is any that is free; None for PORT, or any if that is taken.
    Raises:
        UserError: the port can't be used.
    """
    whole, one_at_a_time = page(studio), Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            """The page, and nothing else."""
            if self.is_own() and self.path == "/":
                self.answer(200, whole, "text/html; charset=utf-8")
            else:
                self.answer(404, b"There is only one page here: /", "text/plain")

        def do_POST(self):
            """A clip on its way."""
            size = self.headers.get("Content-Length", "")
            kind = self.headers.get("Content-Type", "").partition(";")[0]  # no other site's page may send JSON here
            fits = size.isdecimal() and int(size) <= MOST_BYTES
            if not (self.is_own() and self.path == "/make" and kind == "application/json" and fits):
                return self.answer(404, b"Ask the page.", "text/plain")
            try:
                with one_at_a_time:
                    made = make(studio, json.loads(self.rfile.read(int(size))))
            except (UserError, ValueError) as error:
                return self.answer(400, str(error).encode(), "text/plain; charset=utf-8")
            self.answer(200, made, "application/octet-stream")

        def is_own(self):
            """Whether the browser asks for this server by its own name: others could be a foreign site's."""
            return self.headers.get("Host") in {f"{name}:{self.server.server_port}" for name in (HOST, "localhost")}

        def answer(self, status, body, kind):
            """Sends it."""
            self.send_response(status)
            for name, value in (
                ("Content-Type", kind), ("Content-Length", str(len(body))), ("Cache-Control", "no-store"),
                ("Content-Security-Policy", RULES), ("X-Content-Type-Options", "nosniff"),
            ):  # fmt: skip
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Nothing: the terminal is not where a teacher looks."""

    for choice in (PORT, 0) if port is None else (port,):
        try:
            return Server((HOST, choice), Handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or "there is no such port"
    raise UserError(f"port {port} can't be used: {reason}. Give another with --port, or 0 for any that is free.")
