"""`minidit ablate`: what each choice of the network is worth, at equal compute."""

from minidit.commands import arguments as shared

SUMMARY = "train variants of one small model at equal compute, and compare them"
EXAMPLE = "minidit ablate --seeds 3 --out ablation"


def add_arguments(command):
    """Adds the arguments to the parser of this command; returns notes for its help."""
    from minidit.experiments.variants import VARIANTS

    command.add_argument("--only", nargs="+", metavar="NAME", help="these variants, and the base (default: all)")
    shared.add_folder(command, "ablation")
    command.add_argument(
        "--seeds", type=shared.whole_number(1), default=3, metavar="N", help="trainings of each variant (default: 3)"
    )
    command.add_argument(
        "--steps",
        type=shared.whole_number(1),
        metavar="N",
        help="of the base; the others get the number that costs the same (default: 800)",
    )
    shared.add_threads(command, "all; each does one training")
    command.add_argument("--quick", action="store_true", help="only see that it runs: far too small to judge by")
    command.add_argument("--force", action="store_true", help="train again, even if DIR holds results already")
    listed = "".join(f"  {name:<15} {variant.title}\n" for name, variant in VARIANTS.items())
    return (
        f"variants:\n{listed}\n"
        "Results are kept in DIR/ablation.json as they come: after a stop, the same command continues, and when\n"
        "nothing is missing, it redraws the figure. DIR/README.md shows the figure and the tables.\n\n"
    )


def run(arguments):
    """Prints the tables, and where the page is."""
    from minidit.experiments.folder import measure_ablation

    page, said = measure_ablation(
        arguments.only,
        arguments.out,
        arguments.seeds,
        arguments.steps,
        arguments.threads or shared.available_cores(),
        arguments.quick,
        arguments.force,
    )
    for sentences, tables in said.values():
        print(*sentences, *tables, sep="\n\n", end="\n\n")
    print(page)
