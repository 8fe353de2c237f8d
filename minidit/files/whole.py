"""Files written whole or not at all: a reader sees the old file or the new one."""

import os
from contextlib import suppress
from pathlib import Path

from minidit.errors import UserError


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
    except OSError as error:
        raise UserError(
            f"can't write {path}: {error.strerror}. Choose another place, or make the folder writable."
        ) from error
    finally:
        with suppress(OSError):  # after the rename it isn't there
            temporary.unlink()
