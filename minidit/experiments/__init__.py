"""What is claimed of Diffusion Transformers, and what each choice of the network is worth, measured in the toy world.

Read `folder.py` first: it lists the experiments, runs what is missing, and writes the page. Each experiment is a module
of the same shape:

    TITLE, FILE, ALT       its title; the name of its figure, and the figure's alt text
    tasks(options)         what has to be measured, as a list of Task (`tasks.py` runs them in processes)
    sentences(measured)    the findings in words, by rules: they also say when a claim does not hold
    tables(measured)       the numbers, in Markdown
    note(measured)         how the numbers were measured, and the rules of the sentences
    draw(measured)         the bytes of the figure, a PNG

`measured` is a dict, name -> result, as `store.py` keeps it in a JSON file. `small.py` trains small models and scores
them; `tally.py`, `decibels.py`, `fits.py` and `tables.py` turn results into shares, fidelities, power laws and cells.
"""
