import pytest

from minidit.gpu.report import report

pytestmark = pytest.mark.bench


@pytest.fixture
def result():
    """A card that copies 1 TB and multiplies 10 T pairs in a second, two kernels, a step."""
    return {
        "device": "the GPU, NVIDIA Example (CuPy 14.2.0, CUDA 13.2)",
        "copy": 1e12,
        "multiply": 1e13,
        "operations": [
            {
                "name": "softmax, forward",
                "kernel": [1e-3, 2e-3, 3e-3],
                "plain": [7e-3, 8e-3, 9e-3],
                "ratio": [0.2, 0.25, 0.3],
                "bytes": 1.5e9,
                "multiply_accumulates": 0,
            },
            {
                "name": "attention, forward",
                "kernel": [1e-4, 1e-4, 1e-4],
                "plain": [2e-4, 2e-4, 2e-4],
                "ratio": [0.5, 0.5, 0.5],
                "bytes": 1e7,
                "multiply_accumulates": 4e8,
            },
        ],
        "steps": [{"case": "tiny", "ours": [1e-3, 1.5e-3, 2e-3], "plain CuPy": [4e-3, 5e-3, 6e-3]}],
    }


def cells(text, name):
    """The cells of the row of this name."""
    (line,) = (line for line in text.splitlines() if line.startswith(f"| {name} "))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_the_card_is_described(result):
    text = report(result)
    assert text.startswith("Measured on the GPU, NVIDIA Example (CuPy 14.2.0, CUDA 13.2).\n")
    assert "It copies 1000.0 GB/s, read and written bytes together, and multiplies matrices at 20 TFLOP/s." in text


def test_a_kernel_has_its_time_and_its_share_of_what_the_card_can_do(result):
    text = report(result)
    assert cells(text, "softmax, forward") == ["2.000", "8.000", "0.25 [0.20, 0.30]", "75%", ""]
    assert cells(text, "attention, forward") == ["0.100", "0.200", "0.50 [0.50, 0.50]", "10%", "40%"]


def test_a_step_has_the_time_of_each_contestant(result):
    text = report(result)
    assert cells(text, "ms") == ["ours", "plain CuPy"]
    assert cells(text, "tiny") == ["1.50 [1.00, 2.00]", "5.00 [4.00, 6.00]"]
    assert text.endswith("PyTorch is not installed here, or has no GPU, and so there is no race.\n")


def test_where_there_was_a_race_nothing_excuses_its_absence(result):
    result["steps"][0] |= {"PyTorch": [1e-3] * 3, "torch.compile": [1e-3] * 3}
    text = report(result)
    assert cells(text, "ms") == ["ours", "plain CuPy", "PyTorch", "torch.compile"]
    assert "not installed" not in text


def test_the_tables_are_as_wide_in_each_line(result):
    lines = [line for line in report(result).splitlines() if line.startswith("|")]
    assert len(lines) == 4 + 3
    assert len({len(line) for line in lines[:4]}) == len({len(line) for line in lines[4:]}) == 1
    assert lines[1].startswith("|--") and lines[1].count(":|") == 5
