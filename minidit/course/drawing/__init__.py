"""How the lessons draw: `minidit.course.draw` is its face, and what a lesson imports."""
