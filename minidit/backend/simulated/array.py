"""`cupy.ndarray`, simulated: the class and its methods."""

import sys

import numpy as np

from minidit.backend.simulated import counting, cuda, indexing
from minidit.backend.simulated.api import API, bind
from minidit.backend.simulated.functions import NUMBERS, copied, run, wait_if_needed
from minidit.backend.simulated.memory import DeviceArray, place, supported, uninitialised, view
from minidit.backend.simulated.operators import COMPARISONS, WithOperators
from minidit.backend.simulated.products import dot, put_into

IN_PLACE = ("partition", "put", "sort")  # methods that change their array and return nothing


class ndarray(WithOperators):  # noqa: N801, the name that CuPy gives it
    """An array in the memory of the simulated device."""

    __module__ = "minidit.backend.simulated.cupy"  # the public name, as CuPy's class calls itself cupy.ndarray
    __slots__ = ()
    __hash__ = None
    __array_priority__ = 100

    def __new__(cls, shape, dtype=float, memptr=None, strides=None, order="C"):
        if memptr is not None or strides is not None:
            raise NotImplementedError("the simulated ndarray() takes no memory and no strides")
        return place(cls, uninitialised(shape, dtype, order))

    dtype = property(lambda self: self._memory.dtype)
    ndim = property(lambda self: self._memory.ndim)
    size = property(lambda self: self._memory.size)
    nbytes = property(lambda self: self._memory.nbytes)
    itemsize = property(lambda self: self._memory.itemsize)
    strides = property(lambda self: self._memory.strides)
    flags = property(lambda self: Flags(self))
    data = property(lambda self: MemoryPointer(self))
    device = property(lambda self: cuda.Device(0))
    T = property(lambda self: self if self.ndim < 2 else view(self, self._memory.T))
    mT = property(lambda self: self.swapaxes(-1, -2))
    real = property(lambda self: view(self, self._memory.real) if self.dtype.kind == "c" else self)
    imag = property(lambda self: run("imag", np.imag, (self,), {}))

    @property
    def shape(self):
        return self._memory.shape

    @shape.setter
    def shape(self, shape):
        memory = self._memory.reshape(shape)
        if self.size and not np.may_share_memory(memory, self._memory):
            raise AttributeError("Incompatible shape for in-place modification.")
        self._memory = memory

    @property
    def __cuda_array_interface__(self):
        """For libraries that accept GPU memory, such as a CUDA-aware MPI."""
        interface = {"shape": self.shape, "typestr": self.dtype.str, "descr": self.dtype.descr, "version": 3}
        strides = None if self.flags.c_contiguous else self.strides
        return interface | {"data": (self._memory.ctypes.data, False), "strides": strides, "stream": 1}

    # Between host and device

    def get(self, stream=None, order="C", out=None, blocking=True):
        """Copies the array to the host, which waits for it."""
        if blocking:
            counting.synchronised("a copy to the host")
        if not (self.flags.c_contiguous or self.flags.f_contiguous and order != "C"):
            copied(self)
        counting.copied_to_host(self.nbytes)
        if out is None:
            return self._memory.copy(order)
        if not isinstance(out, np.ndarray) or out.dtype != self.dtype:
            raise TypeError(f"{getattr(out, 'dtype', type(out))} array cannot be obtained from {self.dtype} array")
        if out.shape != self.shape:
            raise ValueError(f"Shape mismatch. Expected shape: {self.shape}, actual shape: {out.shape}")
        out[...] = self._memory
        return out

    def set(self, arr, stream=None):
        """Copies an array from the host to this one."""
        if not isinstance(arr, np.ndarray):
            raise TypeError("Only numpy.ndarray can be set to cupy.ndarray")
        if arr.dtype != self.dtype:
            raise TypeError(f"{arr.dtype} array cannot be set to {self.dtype} array")
        if arr.shape != self.shape:
            raise ValueError(f"Shape mismatch. Old shape: {self.shape}, new shape: {arr.shape}")
        if not (self.flags.c_contiguous or self.flags.f_contiguous):
            raise RuntimeError("Cannot set to non-contiguous array")
        counting.copied_to_device(self.nbytes)
        self._memory[...] = arr

    def item(self):
        if self.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        return self.get().item()

    def tolist(self):
        return self.get().tolist()

    def tobytes(self, order="C"):
        return self.get().tobytes(order)

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. "
            "Please use `.get()` to construct a NumPy array explicitly."
        )

    def __bool__(self):
        if self.size == 0:
            return False
        if self.size > 1:
            raise ValueError("The truth value of an array with more than one element is ambiguous.")
        return bool(self.get())

    def __int__(self):
        return int(self.get())

    def __float__(self):
        return float(self.get())

    def __complex__(self):
        return complex(self.get())

    def __repr__(self):
        return repr(self.get())

    def __str__(self):
        return str(self.get())

    def __format__(self, spec):
        return format(self.get(), spec)

    def __reduce__(self):
        return sys.modules[self.__module__].array, (self.get(order="A"),)

    # Views, copies and parts

    def __len__(self):
        if self.ndim == 0:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self):
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    def __getitem__(self, index):
        return indexing.read(self, index)

    def __setitem__(self, index, value):
        indexing.write(self, index, value)

    def fill(self, value):
        if isinstance(value, DeviceArray) and value.ndim:
            raise ValueError("non-scalar cupy.ndarray cannot be used for fill")
        indexing.copy_to(self._memory, value)

    def astype(self, dtype, order="K", casting=None, subok=None, copy=True):
        if casting is not None or subok is not None:
            raise TypeError("casting and subok are not supported yet")
        if not copy and supported(dtype) == self.dtype:
            return self
        return run("astype", np.ndarray.astype, (self, supported(dtype)), {"order": order})

    def copy(self, order="C"):
        return run("copy", np.ndarray.copy, (self,), {"order": order})

    __copy__ = copy

    def __deepcopy__(self, memo):
        return self.copy()

    def take(self, indices, axis=None, out=None):
        """The elements at these places along an axis, or of the flattened array."""
        if axis is None:
            return put_into(out, self.ravel()[indices])
        return put_into(out, self[(slice(None),) * (axis % self.ndim) + (indices,)])

    def dot(self, b, out=None):
        return dot(self, b, out)

    def __getattr__(self, name):
        """All other methods: NumPy's, if CuPy has them with the same arguments."""
        if name.startswith("_") or name not in API["methods"] or not hasattr(np.ndarray, name):
            raise AttributeError(f"'cupy.ndarray' object has no attribute {name!r}, or it can't be simulated")

        def method(*args, **kwargs):
            given = bind("methods", name, args, kwargs)
            wait_if_needed(name, given)
            changes = (self,) if name in IN_PLACE else ()
            return run(name, getattr(np.ndarray, name), (self, *args), kwargs, given.get("out"), changes)

        return method

    # Where NumPy's functions are called on arrays of the device, CuPy's are meant

    def __array_ufunc__(self, ufunc, method, *inputs, out=(), **kwargs):
        function = getattr(getattr(sys.modules[self.__module__], ufunc.__name__, None), method, None)
        known = all(isinstance(value, (DeviceArray, np.ndarray, *NUMBERS)) for value in (*inputs, *out))
        if function is None or not known:
            return NotImplemented
        if ufunc.__name__ in COMPARISONS.values():
            inputs = [value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value for value in inputs]
        return function(*inputs, **kwargs, **({"out": out[0] if len(out) == 1 else out} if out else {}))

    def __array_function__(self, func, types, args, kwargs):
        library = sys.modules[self.__module__]
        if func.__module__ == "numpy.linalg":
            library = library.linalg
        function = getattr(library, func.__name__, None)
        if function is None or not all(issubclass(kind, DeviceArray | np.ndarray) for kind in types):
            return NotImplemented
        return function(*args, **kwargs)


class Flags:
    """An array's layout in memory."""

    def __init__(self, array):
        self.c_contiguous, self.f_contiguous = array._memory.flags.c_contiguous, array._memory.flags.f_contiguous
        self.owndata = array.base is None
        self.fnc, self.forc = self.f_contiguous and not self.c_contiguous, self.f_contiguous or self.c_contiguous

    def __getitem__(self, name):
        return {"C_CONTIGUOUS": self.c_contiguous, "F_CONTIGUOUS": self.f_contiguous, "OWNDATA": self.owndata}[name]


class MemoryPointer:
    """Where an array begins."""

    def __init__(self, array):
        self.ptr, self.device, self.device_id = array._memory.ctypes.data, cuda.Device(0), 0
