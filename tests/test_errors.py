import math
import pickle
from fractions import Fraction

import numpy as np
import pytest

from minidit.errors import UserError, as_number, as_whole


def test_a_users_error_is_a_value_error_with_its_sentence():
    with pytest.raises(ValueError, match="^give a number$"):
        raise UserError("give a number")


def test_a_users_error_survives_the_way_from_another_process():
    error = pickle.loads(pickle.dumps(UserError("say what is wrong")))
    assert type(error) is UserError
    assert str(error) == "say what is wrong"


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), 3.0, np.float32(3), np.array(3), Fraction(3)])
def test_a_whole_number_of_any_kind_is_an_int(value):
    assert as_whole(value) == 3 and type(as_whole(value)) is int
    assert as_number(value) == 3 and type(as_number(value)) is float


@pytest.mark.parametrize("value", ["3", None, [3], 3j, math.nan])
def test_what_is_no_number_is_none_or_nan(value):
    assert as_whole(value) is None
    assert math.isnan(as_number(value))


def test_fractions_and_infinity_are_not_whole():
    assert as_whole(2.5) is None and as_whole(math.inf) is None and as_whole(np.float32("inf")) is None
    assert as_number(10**400) == math.inf
    assert as_number(math.inf) == math.inf
