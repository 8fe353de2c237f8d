"""`minidit gpu-selftest`: whether the GPU computes what the CPU does."""

from minidit.errors import UserError

SUMMARY = "check that the GPU computes what the CPU does: every layer, a training run, a clip"
EXAMPLE = "minidit gpu-selftest"


def add_arguments(command):
    """Adds the arguments to the parser of this command."""
    command.add_argument(
        "--device",
        default="gpu",
        metavar="NAME",
        help="gpu, or simulated: the GPU's code on the CPU, in a minute or two (default: gpu)",
    )


def run(arguments):
    """Prints a line for each comparison.

    Raises:
        UserError: the device can't compute here, or something is wrong.
    """
    from minidit.backend.device import announce, choose_device
    from minidit.gpu.selftest import findings

    xp = choose_device(arguments.device)
    announce(xp)
    wrong = []
    for finding in findings(xp):
        verdict = "ok   " if finding.right else "WRONG"
        print(f"{verdict}  {finding.name:<52}{finding.error:9.1e}  of {finding.bound:.0e}", flush=True)
        if not finding.right:
            wrong.append(finding.name)
    if wrong:
        raise UserError(f"this device does not compute what the CPU does: {'; '.join(wrong)}.")
