"""Lets a person judge which clips are real: shuffled strips of frames, enlarged and numbered, and a key.

    python scripts/blind_judgement.py draw runs/blind --count 16
    python scripts/blind_judgement.py score runs/blind answers.txt

`draw` writes sheets of strips to the folder, and key.json, which nobody opens before having judged. A third of the
clips is real, a third went through the codec, a third was generated, all of the same prompts. The answers say of each
strip whether it is real (r) or not (g), as in `1r 2g 3g`; a # begins a note. `score` prints how often they were right.
"""

import argparse
import json
import sys
from pathlib import Path

from minidit.errors import UserError
from minidit.figures.blind import ENLARGED, STRIPS, draw_sheet, draw_strips, read_answers, score
from minidit.files.whole import make_folder, write_whole
from minidit.generation.studio import load

KEY = "key.json"


def main():
    """Draws, or scores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    drawing = commands.add_parser("draw", help="write the sheets and the key")
    drawing.add_argument("folder", type=Path)
    drawing.add_argument("--checkpoint", help="default: the one that comes with minidit")
    drawing.add_argument("--count", type=int, default=16, help="clips of each of the three kinds (default: 16)")
    drawing.add_argument("--seed", type=int, default=0, help="another one gives other clips (default: 0)")
    drawing.add_argument("--enlarged", type=int, default=ENLARGED, help="how many times (default: %(default)s)")
    scoring = commands.add_parser("score", help="compare answers with the key")
    scoring.add_argument("folder", type=Path)
    scoring.add_argument("answers", type=Path, help="a text file")
    arguments = parser.parse_args()
    try:
        draw(arguments) if arguments.command == "draw" else compare(arguments)
    except UserError as error:
        print(f"{Path(__file__).name}: {error}", file=sys.stderr)
        sys.exit(2)


def draw(arguments):
    """Writes sheet_1.png, sheet_2.png … and key.json."""
    clips, key = draw_strips(load(arguments.checkpoint).model, arguments.count, arguments.seed)
    folder = make_folder(arguments.folder)
    for start in range(0, len(clips), STRIPS):
        file = folder / f"sheet_{start // STRIPS + 1}.png"
        write_whole(file, draw_sheet(clips[start : start + STRIPS], start + 1, arguments.enlarged))
        print(file)
    write_whole(folder / KEY, json.dumps(key, indent=1).encode())


def compare(arguments):
    """Prints how often the answers were right."""
    try:
        key = json.loads((arguments.folder / KEY).read_text(encoding="utf-8"))
        text = arguments.answers.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UserError(f"can't read the key or the answers: {error}") from None
    print(score(key, read_answers(text, len(key))))


if __name__ == "__main__":
    main()
