"""What a student moves in the lessons, and `minidit explore`. A lesson imports `minidit.course.move`.

Read `moving.py` first: controls, a function from their values to panels, and the picture of one state. `panels.py` has
what can be drawn, `scene.js` draws it in a browser, `still.py` on paper. `widget.py` is the bridge to a notebook.
"""
