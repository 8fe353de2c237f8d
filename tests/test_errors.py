import pickle

import pytest

from minidit.errors import UserError


def test_a_users_error_is_a_value_error_with_its_sentence():
    with pytest.raises(ValueError, match="^give a number$"):
        raise UserError("give a number")


def test_a_users_error_survives_the_way_from_another_process():
    error = pickle.loads(pickle.dumps(UserError("say what is wrong")))
    assert type(error) is UserError
    assert str(error) == "say what is wrong"
