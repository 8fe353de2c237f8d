"""The commands of `minidit`, a file each.

A command has a SUMMARY and an EXAMPLE for its help, `add_arguments(command)`, which may return notes for the end
of the help, and `run(arguments)`, which does the work.
"""
