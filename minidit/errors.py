"""What ends a command early, said in one sentence: a mistake of the user, or Ctrl-C."""


class UserError(ValueError):
    """A mistake in what the user gave: the message says what was given, what was expected and what to do.

    The command line prints it without a traceback and exits with status 2.
    """


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, after what had to be saved was saved: the message says what.

    The command line prints it without a traceback and exits with status 130.
    """
