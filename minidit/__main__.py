"""`python -m minidit` is the command `minidit`."""

import sys

from minidit.cli import main

if __name__ == "__main__":
    sys.exit(main())
