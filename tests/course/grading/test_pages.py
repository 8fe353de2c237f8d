from html.parser import HTMLParser

from minidit.course.grading.assigned import Assignment
from minidit.course.grading.pages import feedback
from minidit.course.grading.results import Grade, Sheet

LESSONS = {"07": Assignment("07_apply_scale_and_shift", (), frozenset(), "Apply scale and shift")}
WRONG = Grade(
    "07", "modulate_backward", "7.4 Scale and shift, backward", 0.5, 1, "wrong", "dscale is the mean, not the sum.",
    ("worst at [1]: got -0.75, expected -3", "line 2: return dy.mean(axis=1) < 3", "Each token used the same scale."),
    "takes it from minidit",
)  # fmt: skip
MISSING = Grade("07", "layernorm_forward", "7.3 Layer norm", 0, 1, "missing", "there is no layernorm_forward here.")


class Reader(HTMLParser):
    """What a page says, and what it asks other files for."""

    def __init__(self, text):
        super().__init__()
        self.said, self.tags, self.open = "", [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "!doctype"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.said += data


def page_of(*grades, student="Ada Lovelace"):
    text = feedback(Sheet(student, "42", grades, {"07": "mine.ipynb"}), LESSONS).decode()
    return text, Reader(text)


def test_a_page_has_points_numbers_titles_and_every_message():
    text, page = page_of(WRONG, MISSING)
    for words in (
        "Ada Lovelace", "0.5 of 2 points", "Lesson 7 · Apply scale and shift", "Graded: mine.ipynb",
        "7.4 Scale and shift, backward", "0.5 of 1", "modulate_backward: dscale is the mean, not the sum.",
        *WRONG.details, "layernorm_forward: missing: there is no layernorm_forward here.",
    ):  # fmt: skip
        assert words in page.said
    assert "minidit" not in page.said  # the note is the teacher's
    assert "<pre>worst at [1]: got -0.75, expected -3\nline 2: return dy.mean(axis=1) &lt; 3</pre>" in text
    assert "<p>Each token used the same scale.</p>" in text


def test_a_page_needs_no_other_file_and_is_light_or_dark():
    text, page = page_of(WRONG)
    assert not any({"src", "href"} & set(attributes) for _, attributes in page.tags)
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in page.tags}
    assert "http" not in text and "url(" not in text and "@import" not in text
    assert "prefers-color-scheme: dark" in text and "color-scheme: light dark" in text


def test_what_a_student_made_up_is_text():
    evil = "<script>alert('x')</script>\"&amp;"
    grade = Grade("07", "x", evil, 0, 1, "crashed", evil, (evil, f"{evil}."))
    text, page = page_of(grade, student=evil)
    assert not {"script"} & {tag for tag, _ in page.tags}
    assert page.said.count(evil) >= 5
    assert page_of(WRONG, student="a\udcffb")[1].said.strip().startswith("a?b: 0.5 of 1 points")
