"""The simulated CuPy offers nothing that CuPy doesn't; and CuPy, where it is installed, is what the snapshot says.

Without a GPU, CuPy can be imported and asked what it has, and it refuses wrong arguments as ever.
"""

import importlib.util
import inspect
import types
import warnings
from pathlib import Path

import numpy as np
import pytest

import minidit.backend.simulated.cupy as simulated
from minidit.backend.simulated.api import API, signature
from minidit.backend.simulated.functions import AT, UFUNCS

ADDED = {"DeviceSynchronized", "allow_synchronize", "count", "kernels_left_out"}
SCRIPT = Path(__file__).parents[3] / "scripts" / "snapshot_cupy_api.py"


@pytest.fixture(scope="module")
def cupy():
    """The real one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a machine without a GPU
        return pytest.importorskip("cupy", reason="needs CuPy, though no GPU: pip install cupy-cuda13x")


@pytest.fixture(params=["simulated", "real"])
def xp(request):
    """Either."""
    return simulated if request.param == "simulated" else request.getfixturevalue("cupy")


def public(owner):
    """Names and things that are there for everyone to use."""
    return {name: getattr(owner, name) for name in dir(owner) if not name.startswith("_")}


def test_the_module_has_no_name_that_cupy_lacks():
    assert set(public(simulated)) - ADDED <= set(API["names"])
    assert set(public(simulated)) == set(simulated.__all__)


@pytest.mark.parametrize(
    ("owner", "part"),
    [
        (simulated.ndarray, "attributes"),
        (simulated.empty(1).flags, "flags"),
        (simulated.cuda.Device(), "device"),
        (simulated.cuda.Stream.null, "stream"),
        (simulated.cuda.runtime, "runtime"),
        (simulated.get_default_memory_pool(), "pool"),
        (simulated.random.Generator, "generator"),
    ],
)
def test_no_object_has_a_name_that_cupys_lacks(owner, part):
    assert set(public(owner)) <= set(API[part])


def test_arrays_have_no_operator_that_cupys_lack():
    operators = {name for kind in simulated.ndarray.__mro__[:-1] for name in vars(kind) if name.startswith("__")}
    plain = {*dir(type("plain", (), {"__slots__": ()}))}
    assert operators - plain - {"__getattr__"} <= set(API["attributes"])


def same_parameters(function, kind, name):
    """Whether a function takes what CuPy's takes, in the same order."""
    own = [p for p in inspect.signature(function).parameters.values() if p.name != "self"]
    return [(p.name, p.kind) for p in own] == [(p.name, p.kind) for p in signature(kind, name).parameters.values()]


def test_functions_of_its_own_take_what_cupys_take():
    functions = {name: it for name, it in public(simulated).items() if isinstance(it, types.FunctionType)}
    functions = {name: it for name, it in functions.items() if name not in ADDED | {"matmul"}}
    assert len(functions) > 20  # matmul isn't among them: of CuPy's generalised ufunc there is the product only
    assert [name for name, it in functions.items() if not same_parameters(it, "functions", name)] == []


def test_methods_of_its_own_take_what_cupys_take():
    methods = {name: it for name, it in public(simulated.ndarray).items() if isinstance(it, types.FunctionType)}
    assert len(methods) > 8
    assert [name for name, it in methods.items() if not same_parameters(it, "methods", name)] == []


def test_ufunc_at_is_there_for_the_ufuncs_that_have_it_in_cupy():
    assert set(AT) == {name for name, ufunc in API["ufuncs"].items() if ufunc["at"]}


def test_ufuncs_take_as_many_operands_as_cupys():
    assert {name: ufunc.nin for name, ufunc in UFUNCS.items()} == {name: API["ufuncs"][name]["nin"] for name in UFUNCS}


def test_the_snapshot_is_of_the_cupy_that_is_installed(cupy):
    spec = importlib.util.spec_from_file_location("snapshot_cupy_api", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    if cupy.__version__ != API["version"]:
        pytest.skip(f"the snapshot is of CuPy {API['version']}, {cupy.__version__} is installed")
    found = script.snapshot()
    assert found.keys() == API.keys()
    for part, names in API.items():
        assert found[part] == names, f"{part} differ: run scripts/snapshot_cupy_api.py"


@pytest.mark.parametrize("name", ["where", "order", "subok", "signature"])
def test_ufuncs_refuse_what_numpys_take_besides(name, xp):
    with pytest.raises(TypeError, match=f"Wrong arguments .*{name}"):
        xp.add(1, 2, **{name: None})


@pytest.mark.parametrize(
    "call",
    [
        lambda xp: xp.exp(),
        lambda xp: xp.sum(None, where=True),
        lambda xp: xp.clip(None, min=0),
        lambda xp: xp.max(None, initial=0),
        lambda xp: xp.ascontiguousarray(np.ones(3)),
        lambda xp: xp.vdot(np.ones(3), np.ones(3)),
        lambda xp: xp.size(np.ones(3)),
        lambda xp: xp.empty_like(xp.ndarray, subok=True),
        lambda xp: xp.RawModule("code"),
        lambda xp: xp.RawModule(code="", options=[]),
        lambda xp: xp.RawKernel("", "name", options=[]),
        lambda xp: xp.random.Generator.standard_normal(None, loc=0),
    ],
)
def test_wrong_arguments_are_type_errors(call, xp):
    with pytest.raises((TypeError, AttributeError)):
        call(xp)


@pytest.mark.parametrize("dtype", [object, "f16", "U3", ">f4"])
def test_arrays_of_unknown_types_are_value_errors(dtype, xp):
    with pytest.raises(ValueError, match="Unsupported dtype"):
        xp.ndarray((2,), dtype)


@pytest.mark.parametrize("call", [lambda xp: xp.maximum.reduce(None), lambda xp: xp.multiply.at(None, None, None)])
def test_methods_that_some_ufuncs_lack_are_not_implemented(call, xp):
    with pytest.raises(NotImplementedError, match="is not supported yet"):
        call(xp)


@pytest.mark.parametrize("name", ["vecdot", "ndenumerate", "matvec"])
def test_names_that_only_numpy_has_are_missing(name, xp):
    assert not hasattr(xp, name)


def test_some_things_are_the_same_in_both(xp):
    assert xp.float32 is np.float32 and xp.inf == np.inf and xp.newaxis is None
    assert not hasattr(xp.ndarray, "__imatmul__")
    assert xp.ndarray.__hash__ is None
    assert xp.ndarray.__array_priority__ == 100
    assert xp.asnumpy([1, 2]).tolist() == [1, 2]
    assert xp.get_array_module(np.ones(2)) is np
    assert xp.result_type(np.float32, 2.0) == np.float32
    assert xp.ndim(np.ones((2, 3))) == 2
    assert issubclass(xp.cuda.runtime.CUDARuntimeError, RuntimeError)
    assert xp.cuda.runtime.runtimeGetVersion() // 1000 >= 12


def test_waiting_can_be_forbidden_by_the_same_name(cupy):
    import cupyx

    assert issubclass(cupyx.DeviceSynchronized, RuntimeError)
    assert inspect.signature(cupyx.allow_synchronize) == inspect.signature(simulated.allow_synchronize)
    assert hasattr(cupy, "ndarray")


@pytest.mark.parametrize("name", ["add", "divide", "exp", "maximum", "sqrt", "tanh", "isfinite", "greater", "power"])
def test_a_ufunc_of_floats_gives_the_same_type_in_both(name, cupy):
    types_of = {types.split("->")[0]: types.split("->")[1] for types in getattr(cupy, name).types}
    for char in "efd":
        operands = [simulated.ones(2, char)] * UFUNCS[name].nin
        assert UFUNCS[name](*operands).dtype == types_of[char * len(operands)]
