"""Grading without nbgrader: `minidit grade FOLDER`.

    roster.py      which students handed in which notebooks
    platforms.py   who handed in a file, by the names that learning platforms give
    archives.py    the files of folders and zip files
    assigned.py    what was asked: our own edition's exercises, and the name of each answer
    notebook.py    a student's notebook: which cells run, and where its answers are examined
    child.py       the process that runs a student's code, and can't be trusted
    process.py     the grader's end of it: limits, and questions with time limits
    answer.py      a stand-in for the student's function
    wire.py        messages between the two: plain values
    objects.py     to the student's process, also functions and objects
    workers.py     processes that grade side by side
    journal.py     what was graded already
    gradebook.py   the results of a class while they come in
    results.py     points, the table, the CSV file
    pages.py       what a student gets to read
    similar.py     pairs of near-identical answers

A student's code is not trusted with the score. It runs in its own process. The grader decides here what is right, by
the same examination as in a lesson: it sends that process inputs and accepts only numbers back. Whatever the code does
to the checks, to NumPy or to the printed output changes nothing here.

It is trusted with the machine, with the rights of the account that runs it: it can read and delete files. If students
may be hostile, grade in a container.
"""
