"""How good a model's clips are: read back by the verifier, and compared with real clips.

Read `evaluate.py` first: it asks a model for clips (`cases.py`, `measure.py`), judges them and prints a report
(`scores.py`, `frechet.py`, `few_steps.py`). What one ability does, such as extending a clip, is measured by
`abilities.py` from paths, pixels and readings, without any model; `variety.py` compares whole sets of clips.
`intervals.py` turns numbers of clips into one number with a 95 % confidence interval.
"""
