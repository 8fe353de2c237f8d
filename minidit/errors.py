"""What a user can do wrong, said in one sentence."""


class UserError(ValueError):
    """A mistake in what the user gave: the message says what was given, what was expected and what to do.

    The command line prints it without a traceback and exits with status 2.
    """
