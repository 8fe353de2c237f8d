"""`minidit claims`: what is claimed of Diffusion Transformers, measured in the toy world."""

from minidit.commands import arguments as shared

SUMMARY = "measure what is claimed of Diffusion Transformers: does it hold in this world?"
EXAMPLE = "minidit claims scalability --out claims"
NOTES = """\
The claims: scalability, generalisation, expressiveness, robustness; and abilities, all that the model can do, measured.
Scalability takes half an hour of one core, the others less. Results are kept in DIR/claims.json as they come: after a
stop, the same command continues, and when nothing is missing, it redraws the figures. DIR/README.md shows figures and
tables, and says which claims hold.

"""


def add_arguments(command):
    """Adds the arguments to the parser of this command; returns notes for its help."""
    command.add_argument("names", nargs="*", metavar="NAME", help="which (default: all)")
    shared.add_folder(command, "claims")
    shared.add_checkpoint(command)
    command.add_argument(
        "--seeds", type=shared.whole_number(1), default=1, metavar="N", help="trainings of each kind (default: 1)"
    )
    shared.add_threads(command, "all; each does one piece of the work")
    command.add_argument("--quick", action="store_true", help="only see that it runs: far too small to judge by")
    command.add_argument("--force", action="store_true", help="measure again what DIR holds already of these claims")
    return NOTES


def run(arguments):
    """Measures, and says which claims hold and where the figures are."""
    from minidit.experiments.folder import SMALL, measure_claims

    page, said = measure_claims(
        arguments.names,
        arguments.out,
        arguments.checkpoint,
        arguments.quick,
        arguments.seeds,
        arguments.threads or shared.available_cores(),
        arguments.force,
    )
    if arguments.quick:
        print(SMALL.strip("*"))
    for name, (sentences, _) in said.items():
        print(f"{name}:", *(f"  {sentence}" for sentence in sentences), sep="\n")
    print(page)
