import os
import signal
import subprocess
import sys
import urllib.request
import webbrowser
from http.server import ThreadingHTTPServer

import pytest

from minidit.cli import main


@pytest.fixture
def opened(monkeypatch):
    """Stands in for the browser, and for Ctrl-C as soon as the server runs."""
    addresses = []
    monkeypatch.setattr(webbrowser, "open", addresses.append)

    def interrupted(server, poll_interval=0.5):
        raise KeyboardInterrupt

    monkeypatch.setattr(ThreadingHTTPServer, "serve_forever", interrupted)
    return addresses


def test_it_names_the_page_and_opens_it_until_ctrl_c(opened, tiny_checkpoint, capsys):
    assert main(["explore", "--checkpoint", tiny_checkpoint, "--port", "0"]) == 0
    (address,) = opened
    assert capsys.readouterr().out.startswith(f"{address}  (Ctrl-C ends it)")


def test_the_browser_may_be_left_alone(opened, tiny_checkpoint):
    assert main(["explore", "--checkpoint", tiny_checkpoint, "--port", "0", "--no-browser"]) == 0
    assert opened == []


@pytest.mark.parametrize("port", ["70000", "-1", "x", "1.5"])
def test_a_bad_port_is_one_sentence(port, opened, tiny_checkpoint, capsys):
    assert main(["explore", "--checkpoint", tiny_checkpoint, "--port", port]) == 2
    err = capsys.readouterr().err
    assert err.startswith("minidit: ") and port in err and err.count("\n") == 1


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_ctrl_c_ends_it_cleanly(tiny_checkpoint):
    command = [sys.executable, "-m", "minidit", "explore", "--no-browser", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--checkpoint", tiny_checkpoint], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    address = process.stdout.readline().split()[0]
    with urllib.request.urlopen(address, timeout=30) as page:
        assert b"minidit" in page.read()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
