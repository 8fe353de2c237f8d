"""Files of every kind, read with an error that says what is wrong, and written whole."""
