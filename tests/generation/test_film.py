import pytest

from minidit.errors import UserError
from minidit.generation.film import Shot, parse_script, read_script

SCRIPT = """\
# evening

a red circle moves right in the sunset sky
  then a red circle  moves up in the sunset sky
\t
Then, it rests
#then a comment
a white ring
"""
SHOTS = [
    Shot("a red circle moves right in the sunset sky"),
    Shot("a red circle moves up in the sunset sky", True),
    Shot("it rests", True),
    Shot("a white ring"),
]


def test_a_line_is_a_shot_and_then_connects_it_to_the_one_before():
    shots = parse_script(SCRIPT)
    assert shots == SHOTS
    assert [shot.line for shot in shots] == [3, 4, 6, 8]


def test_only_the_whole_word_then_connects():
    assert parse_script("a sky\nthenceforth a sky\nand then a sky") == [
        Shot("a sky"), Shot("thenceforth a sky"), Shot("and then a sky")
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_script_is_read_from_a_file_of_any_system(encoding, newline, tmp_path):
    path = tmp_path / "film.txt"
    path.write_bytes(SCRIPT.removeprefix("# evening\n\n").replace("\n", newline).encode(encoding))
    assert read_script(str(path)) == SHOTS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the script has no shots in it: write one prompt per line"),
        ("# nothing\n\n", "no shots"),
        ("\nthen a sky", 'the script, line 2: the first shot has no shot before it: leave out its "then"'),
        ("a sky\n# and\nthen \na sky", 'the script, line 3: "then" stands alone'),
    ],
)
def test_an_impossible_script_is_answered_with_the_line(text, said):
    with pytest.raises(UserError, match=said):
        parse_script(text)


def test_a_file_that_cannot_be_read_is_a_user_error(tmp_path, monkeypatch):
    (tmp_path / "film.txt").write_text("then a sky")
    with pytest.raises(UserError, match="film.txt, line 1: the first shot"):
        read_script(tmp_path / "film.txt")
    (tmp_path / "film.gif").write_bytes(b"GIF89a\xff\xfe")
    with pytest.raises(UserError, match="film.gif is not a text file in UTF-8"):
        read_script(tmp_path / "film.gif")
    with pytest.raises(UserError, match="there is no file .*none.txt"):
        read_script(tmp_path / "none.txt")
    with pytest.raises(UserError, match="is a folder"):
        read_script(tmp_path)
    monkeypatch.setattr("pathlib.Path.read_bytes", denied)
    with pytest.raises(UserError, match="can't read .*Permission denied"):
        read_script(tmp_path / "film.txt")


def denied(_):
    raise PermissionError(13, "Permission denied")  # faked, because root may read anything
