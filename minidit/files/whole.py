"""Files written whole or not at all, and the folders for them."""

import os
from contextlib import suppress
from pathlib import Path

from minidit.errors import UserError


def make_folder(path):
    """Makes a folder to write to, if it isn't there; returns it as a Path.

    Raises:
        UserError: it can't be made.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"can't make the folder {folder}: {error.strerror}. Choose another place.") from error
    return folder


def write_whole(path, data):
    """Writes bytes to a temporary name beside `path`, then renames: a reader sees the old file or the new one.

    Raises:
        UserError: the folder does not exist or cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except FileNotFoundError as error:
        raise UserError(f"can't write {path}: there is no folder {path.parent}. Make it, or choose another.") from error
    except OSError as error:
        raise UserError(
            f"can't write {path}: {error.strerror}. Choose another place, or make the folder writable."
        ) from error
    finally:
        with suppress(OSError):  # after the rename it isn't there
            temporary.unlink()
