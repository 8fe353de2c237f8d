"""How good a model's clips are: how near to what the world draws, read back by the verifier, beside real clips.

Read `evaluate.py` first: it asks a model for clips (`cases.py`, `measure.py`), judges them (`scores.py`, `examined.py`,
`frechet.py`) and prints a report (`report.py`); `few_steps.py` does so for several numbers of steps. The headline is
`fidelity.py`, the second examiner beside `minidit.world.verifier`: it looks for the nearest clip of the world with
`screening.py` and `fitting.py`. `two_sample.py` has a classifier try to tell generated from real clips.

What one ability does, such as extending a clip, is measured by `abilities.py` from paths, pixels and readings, without
any model; `variety.py` compares whole sets of clips. `intervals.py` turns numbers of clips into one number with a 95 %
confidence interval.
"""
