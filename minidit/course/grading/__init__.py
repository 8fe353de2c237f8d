"""Grading without nbgrader: `minidit grade FOLDER`.

    roster.py      whose notebooks there are
    assigned.py    what was asked: our own edition's exercises, and the name that each check is given
    notebook.py    a student's notebook: which cells are run, and where its answers are examined
    child.py       the process that runs a student's code, and is not to be believed
    process.py     the grader's end of it: limits, and questions with time limits
    answer.py      a stand-in for the student's function
    wire.py        what goes between the two: plain values
    objects.py     and to the student's process functions and objects
    results.py     points, the table, the CSV file, feedback

A student's code is not trusted with the score. It runs in a process of its own; what is right is decided here, by the
same examination as in a lesson, which gives that process inputs and takes nothing but numbers back. Whatever is done in
there to the checks, to NumPy or to what is printed changes nothing here.

It is trusted with the machine, as far as the account goes that runs it: it can read and delete files. Where students
may be hostile, grade in a container.
"""
