"""Where the package lies, and the clone of the repository around it."""

from pathlib import Path

PACKAGE = Path(__file__).parents[1]


def in_clone(path):
    """A file or folder of a clone: of this folder, or of the one where the package was installed with `pip install -e`.

    Args:
        path: from the root of the clone.
    Returns:
        its Path; None if it is in neither, as an installed wheel has the package alone.
    """
    return next((root / path for root in (Path.cwd(), PACKAGE.parent) if (root / path).exists()), None)
