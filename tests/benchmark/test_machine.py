import json
import platform

import numpy as np
import pytest

from minidit.benchmark import machine
from minidit.benchmark.machine import our_side, processor, pytorch_side
from minidit.commands.arguments import available_cores

pytestmark = pytest.mark.bench


def test_our_side_says_what_computes_the_products(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    found = json.loads(json.dumps(our_side()))
    assert found["numpy"] == np.__version__
    assert found["python"] == platform.python_version()
    assert found["cores"] == available_cores() >= 1
    assert found["chosen"]["OPENBLAS_CORETYPE"] == "Haswell"
    assert all(library["internal_api"] for library in found["blas"])


@pytest.mark.parametrize(("text", "name"), [("core\t: 0\nmodel name\t: A CPU: 3\n" * 2, "A CPU: 3"), ("", None)])
def test_the_processor_has_a_name(text, name, tmp_path, monkeypatch):
    path = tmp_path / "cpuinfo"
    path.write_text(text)
    monkeypatch.setattr(machine, "CPU_INFO", path)
    assert processor() == (name or platform.processor() or platform.machine())


def test_pytorchs_side_says_which_version():
    torch = pytest.importorskip("torch")
    found = json.loads(json.dumps(pytorch_side()))
    assert found["version"] == torch.__version__
    assert found["blas"] in torch.__config__.show()
    assert found["instructions"]
