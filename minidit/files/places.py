"""Where the package lies, the clone of the repository around it, and what there is at a path that a user gave."""

import os
import stat
from pathlib import Path

from minidit.errors import UserError

PACKAGE = Path(__file__).parents[1]


def in_clone(path):
    """A file or folder of a clone: of this folder, or of the one where the package was installed with `pip install -e`.

    Args:
        path: from the root of the clone.
    Returns:
        its Path; None if it is in neither, as an installed wheel has the package alone.
    """
    return next((root / path for root in (Path.cwd(), PACKAGE.parent) if (root / path).exists()), None)


def status_of(path):
    """What the system says of a file or folder (os.stat_result); None where there is none. Path's own methods raise.

    Raises:
        UserError: a folder on the way there may not be searched, or nothing can have such a name.
    """
    try:
        return os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise UserError(f"can't use {path}: a folder on the way there may not be searched. Give another.") from error
    except (OSError, ValueError) as error:  # a ValueError for a zero byte
        why = getattr(error, "strerror", error)
        raise UserError(f"can't use {path}: {why}. Give another name.") from error


def as_path(path):
    """A name as a Path.

    Raises:
        UserError: it is none.
    """
    if not isinstance(path, str | os.PathLike):
        raise UserError(f"the name of a file is a string or a Path, but this is {path!r:.100}.")
    return Path(path)


def exists(path):
    """Whether there is anything. Raises as `status_of`."""
    return status_of(path) is not None


def is_folder(path):
    """Whether there is a folder. Raises as `status_of`."""
    status = status_of(path)
    return status is not None and stat.S_ISDIR(status.st_mode)


def is_file(path):
    """Whether there is a regular file: no folder, pipe or device. Raises as `status_of`."""
    status = status_of(path)
    return status is not None and stat.S_ISREG(status.st_mode)
