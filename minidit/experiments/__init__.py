"""What is claimed of Diffusion Transformers, measured in the toy world: `minidit claims`.

Each claim is a module: `TITLE`, `FILE` (of its figure) and `ALT` (its alt text) describe it, `tasks(options)` lists
what has to be measured for it (see `minidit.experiments.tasks`), and from what was measured `sentences(measured)` say
whether it holds, `tables(measured)` show the numbers, `note(measured)` says how they came about, and `draw(measured)`
returns the bytes of a PNG. Sentences are made from the numbers, by rules that the notes state: a claim that doesn't
hold is said not to. `minidit.experiments.folder` does all of that for a folder.
"""

from minidit.experiments.folder import CLAIMS, measure_claims

__all__ = ["CLAIMS", "measure_claims"]
