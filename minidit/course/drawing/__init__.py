"""How the lessons draw. A lesson imports `minidit.course.draw`."""
