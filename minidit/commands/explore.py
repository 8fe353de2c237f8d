"""`minidit explore`: how a clip comes about, on one page in a browser."""

from minidit.commands import arguments as shared

SUMMARY = "watch a clip come about, step by step, in a browser"
EXAMPLE = "minidit explore"


def add_arguments(command):
    """Adds the arguments to the parser of this command."""
    command.add_argument(
        "--port", type=shared.whole_number(0, 65_535), metavar="N",
        help="of the page, 0 for any that is free (default: 8731)",
    )  # fmt: skip
    command.add_argument("--no-browser", action="store_true", help="only name the page's address, don't open it")
    shared.add_checkpoint(command)
    shared.add_threads(command, "as the matrix library chooses")


def run(arguments):
    """Serves the page until Ctrl-C.

    Raises:
        UserError: the port can't be used, or there is no such model.
    """
    import webbrowser

    from minidit.course.explore.server import server_of
    from minidit.generation.studio import load

    studio = load(arguments.checkpoint, device="cpu")
    with shared.blas_threads(arguments.threads), server_of(studio, arguments.port) as server:
        address = f"http://{server.server_address[0]}:{server.server_port}/"
        print(f"{address}  (Ctrl-C ends it)", flush=True)
        if not arguments.no_browser:
            webbrowser.open(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()
