"""The course: exercises and their checks, the lessons' editions, grading. `from minidit.course import check`."""
