"""`minidit explore`: how a clip comes about, on one page for a projector.

`moments.py` makes a clip and keeps what the network did, `server.py` sends it to the page, `explore.js` shows it.
"""
