"""Scripts of films: a text file with one prompt per line, and each line is a shot.

A line that begins with "then" continues from the last frame of the shot before it; every other line is a cut. Blank
lines and lines that begin with # are skipped:

    # evening
    a red circle moves right in the sunset sky
    then a red circle moves up in the sunset sky
    a white ring stays still in the night sky
"""

from dataclasses import dataclass, field
from pathlib import Path

from minidit.errors import UserError
from minidit.files.places import is_folder

GOES_ON = "then"


@dataclass(frozen=True)
class Shot:
    """One shot of a film.

    Attributes:
        prompt: what to show.
        connected: whether it continues from the last frame of the shot before it; otherwise there is a cut.
        line: its number in the script, from 1; None without a script. Shots are compared without it.
    """

    prompt: str
    connected: bool = False
    line: int | None = field(default=None, compare=False)


def read_script(path):
    """The shots of a script in a file, UTF-8.

    Raises:
        UserError: it can't be read, or as for `parse_script`.
    """
    path = Path(path)
    if is_folder(path):
        raise UserError(f"{path} is a folder. Give the name of a text file with one prompt per line.")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise UserError(f"there is no file {path}. Write one with one prompt per line.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not a text file in UTF-8. Write one with one prompt per line.") from error
    except OSError as error:
        raise UserError(f"can't read {path}: {error.strerror}. Make it readable, or give another.") from error
    return parse_script(text, path)


def parse_script(text, name="the script"):
    """The shots of a script.

    Args:
        text: str, see the top of this file.
        name: what to call it in a message.
    Returns:
        a list of Shot, at least one, the first not connected.
    Raises:
        UserError: it has no shots, the first one begins with "then", or a "then" has no prompt after it.
    """
    shots = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        connected = words[0].lower().rstrip(",:") == GOES_ON
        prompt = " ".join(words[connected:])
        if not prompt:
            raise UserError(f'{name}, line {number}: "{words[0]}" stands alone: write after it what happens then.')
        if connected and not shots:
            raise UserError(
                f'{name}, line {number}: the first shot has no shot before it: leave out its "{words[0]}".'
            )
        shots.append(Shot(prompt, connected, number))
    if not shots:
        raise UserError(f"{name} has no shots in it: write one prompt per line.")
    return shots
