"""Makes the golden file with PyTorch: python tests/golden/make_golden.py

Run it after a change of `tests/pytorch_parity.py` or `minidit/benchmark/pytorch_dit.py`. The file holds, for every
case, what `pytorch_parity.fingerprint` keeps of PyTorch's results in float64.
"""

import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

sys.path.append(str(Path(__file__).parents[1]))  # the tests are not a package
from pytorch_dit import pytorch_results
from pytorch_parity import CASES, GOLDEN, fingerprint


def main():
    arrays = {}
    for case, sizes in CASES.items():
        for name, array in fingerprint(pytorch_results(sizes, np.float64)).items():
            arrays[f"{case}/{name}"] = np.ascontiguousarray(array)
    save_file(arrays, GOLDEN)
    print(f"{GOLDEN}: {len(arrays)} arrays, {GOLDEN.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
