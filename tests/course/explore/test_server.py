import http.client
import json
import socket
import threading
from types import SimpleNamespace

import pytest

from minidit.course.explore import server as server_file
from minidit.course.explore.server import make, page, server_of
from minidit.errors import UserError
from minidit.generation.studio import Studio

ASKED = {"prompt": "a red circle", "seed": 0, "steps": 2, "guidance": 1.5}
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def studio(tiny_marked_model):
    return Studio(tiny_marked_model)


@pytest.fixture(scope="module")
def server(studio):
    with server_of(studio, 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def ask(server):
    def ask(method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        found = SimpleNamespace(status=answer.status, headers=answer.headers, body=answer.read())
        connection.close()
        return found

    return ask


def test_only_this_computer_can_reach_it(server):
    assert server.server_address[0] == "127.0.0.1"


def test_the_page_needs_nothing_else(ask, studio):
    answer = ask("GET", "/")
    assert (answer.status, answer.body) == (200, page(studio))
    assert b"{style}" not in answer.body and b"{script}" not in answer.body and b"http" not in answer.body
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/server.py", "/../server.py", "/%2e%2e/server.py", "//etc/passwd", "/?x"])
def test_nothing_but_the_page_is_served(ask, path):
    assert ask("GET", path).status == 404


def test_a_clip_comes_as_lengths_and_scenes(ask):
    answer, scenes = ask("POST", "/make", json.dumps(ASKED), JSON), 0
    at = 0
    while at < len(answer.body):
        at += 4 + int.from_bytes(answer.body[at : at + 4], "little")
        scenes += 1
    assert (answer.status, scenes, at) == (200, ASKED["steps"] + 1, len(answer.body))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"prompt": "a plaid zeppelin"}, "plaid"),
        ({"seed": -1}, "seed"),
        ({"seed": 1.5}, "seed"),
        ({"steps": 0}, "steps"),
        ({"steps": "x"}, "steps"),
        ({"guidance": 9}, "guidance"),
        ({"guidance": None, "steps": 1000}, "steps"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_sentence(ask, change, said):
    answer = ask("POST", "/make", json.dumps(ASKED | change), JSON)
    assert answer.status == 400 and said in answer.body.decode()


@pytest.mark.parametrize("body", ["", "{", "[]", "{}", "7", "x" * 10, '"a"'])
def test_what_is_no_request_is_refused(ask, body):
    assert ask("POST", "/make", body, JSON).status == 400


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (JSON | {"Host": "evil.example"}, json.dumps(ASKED)),  # whose name leads to this computer
        ({"Content-Type": "text/plain"}, json.dumps(ASKED)),  # which a foreign page may send
        (JSON, "x" * (server_file.MOST_BYTES + 1)),
    ],
)
def test_other_sites_and_floods_get_nothing(ask, headers, body):
    assert ask("POST", "/make", body, headers).status == 404


def test_a_port_that_is_taken_is_named_and_without_one_another_is_found(studio, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"port {port} can't be used: .+ --port"):
            server_of(studio, port)
        monkeypatch.setattr(server_file, "PORT", port)
        with server_of(studio) as other:
            assert other.server_port not in (0, port)


def test_a_port_that_does_not_exist_is_named(studio):
    with pytest.raises(UserError, match="port 70000 can't be used: there is no such port"):
        server_of(studio, 70_000)


def test_a_request_that_lacks_something_says_what_to_ask():
    with pytest.raises(UserError, match="a prompt, a seed"):
        make(None, {"prompt": "a"})
