"""Start-up: how long it takes from nothing to an import, and to the first clip."""

import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

NOTHING = "python -c pass"
PROMPT = "a red circle moves right in the day sky"
FIRST_CLIP = f'minidit generate "{PROMPT}"'


def start_up(rounds, modules=("minidit", "numpy")):
    """Seconds that processes take which take turns. Each is a new Python, whose own start is in all of them.

    Args:
        rounds: R.
        modules: names of those whose import is timed.
    Returns:
        what was done -> [seconds, ...], one for each round.
    """
    with tempfile.TemporaryDirectory() as folder:
        commands = {NOTHING: ["-c", "pass"]} | {f"import {name}": ["-c", f"import {name}"] for name in modules}
        commands[FIRST_CLIP] = ["-m", "minidit", "generate", PROMPT, "-o", str(Path(folder) / "clip.gif"), "--force"]
        for command in commands.values():
            seconds(command)  # the first time, files come from the disk
        found = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                found[name].append(seconds(command))
    return found


def seconds(command):
    """How long a Python takes that is given these arguments."""
    begin = perf_counter()
    subprocess.run([sys.executable, *command], check=True, capture_output=True)
    return perf_counter() - begin
