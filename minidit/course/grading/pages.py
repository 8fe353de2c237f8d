"""Pages that open in any browser, without a network: what a student gets to read, and pairs of answers."""

import re
from html import escape
from itertools import groupby

from minidit.course.grading.results import total
from minidit.course.report import MARKS, NOT_STARTED, PASSED, WRONG

SENTENCE = re.compile(r"[^\W\d_a-z].*[.?:!]$")
CLASSES = {PASSED: "passed", NOT_STARTED: "open"}  # of verdicts; the others are "wrong"
STYLE = """\
:root { color-scheme: light dark; --back: #fff; --text: #1c2024; --soft: #5b6570; --line: #d5dbe1; --code: #f4f6f8;
  --passed: #00684a; --wrong: #b0261f; --open: #5b6570; }
@media (prefers-color-scheme: dark) { :root { --back: #15181c; --text: #e6e9ec; --soft: #9aa5b0; --line: #343b43;
  --code: #1e2329; --passed: #4cc38a; --wrong: #ff8b80; --open: #9aa5b0; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 52rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 0; padding-bottom: .35rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 0; }
h2, h3 { display: flex; gap: .6rem; align-items: baseline; }
.points { margin-left: auto; font-weight: 400; font-variant-numeric: tabular-nums; white-space: nowrap; }
.soft, .points { color: var(--soft); }
p { margin: .3rem 0 0; overflow-wrap: anywhere; }
article { padding: .9rem 0; border-bottom: 1px solid var(--line); }
.mark { flex: none; width: 1.1rem; text-align: center; }
.passed .mark { color: var(--passed); } .wrong .mark { color: var(--wrong); } .open .mark { color: var(--open); }
article p, article pre { margin-left: 1.7rem; }
pre { background: var(--code); border-radius: 6px; padding: .6rem .8rem; margin: .5rem 0 0; overflow-x: auto;
  font: .875rem/1.45 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre-wrap;
  overflow-wrap: anywhere; }
code { font: .9em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: .8rem; }
.sides > div { min-width: 0; } .sides p, .sides pre { margin-left: 0; } .sides pre { white-space: pre; }
main:has(.sides) { max-width: 84rem; }
@media (max-width: 40rem) { .sides { grid-template-columns: 1fr; } }
@media print { article { break-inside: avoid; } }
"""


def page(title, body):
    """A page, as bytes.

    Args:
        title: text.
        body: HTML.
    """
    whole = f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>
{STYLE}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""
    return whole.encode("utf-8", "replace")


def feedback(sheet, assignments):
    """What a student gets to read, as bytes.

    Args:
        sheet: Sheet.
        assignments: {number: Assignment}.
    """
    points, of = total(sheet.grades)
    lines = [
        f'<h1 dir="auto">{escape(sheet.student)}</h1>',
        f'<p class="soft">{points:g} of {of:g} points</p>',
    ]
    for number in dict.fromkeys(one.lesson for one in sheet.grades):
        grades = [one for one in sheet.grades if one.lesson == number]
        points, of = total(grades)
        title = f"Lesson {int(number)} · {assignments[number].title}".removesuffix(" · ")
        lines += ["<section>", f"<h2>{escape(title)} {points_of(points, of)}</h2>"]
        if number in sheet.files:
            lines.append(f'<p class="soft">Graded: <bdi>{escape(sheet.files[number])}</bdi></p>')
        lines += [*map(article, grades), "</section>"]
    return page(f"{sheet.student}: {points_in_words(*total(sheet.grades))}", "\n".join(lines))


def article(grade):
    """What a student reads of an exercise, as HTML."""
    mark = MARKS.get(grade.verdict, MARKS[WRONG])
    says = grade.says
    if grade.verdict not in (PASSED, WRONG) and grade.verdict not in says:
        says = f"{grade.verdict}: {says}"
    return (
        f'<article class="{CLASSES.get(grade.verdict, "wrong")}">\n'
        f'<h3><span class="mark" role="img" aria-label="{grade.verdict}">{mark}</span> '
        f"<span>{escape(grade.heading or grade.exercise)}</span> {points_of(grade.points, grade.of)}</h3>\n"
        f"<p><code>{escape(grade.exercise)}</code>: {escape(says)}</p>{''.join(details(grade.details))}\n</article>"
    )


def details(lines):
    """Yields lines as HTML: sentences as such, and what is code or numbers as that."""
    for quoted, those in groupby(lines, lambda line: not SENTENCE.match(line)):
        if quoted:
            yield f"\n<pre>{escape(chr(10).join(those))}</pre>"
        else:
            yield from (f"\n<p>{escape(line)}</p>" for line in those)


def side_by_side(pairs):
    """The answers of pairs of students, for the teacher, as bytes.

    Args:
        pairs: Pairs, see similar.py.
    """
    lines = [
        "<h1>Answers that are nearly the same</h1>",
        '<p class="soft">For a conversation, not a verdict: names and layout don\'t count here, and students who '
        "learnt together may write alike.</p>",
    ]
    for pair in pairs:
        of = f'<span class="points">{len(pair.matches)} of {pair.of} answers</span>'
        lines += ["<section>", f"<h2><span>{escape(pair.who)}</span> {of}</h2>"]
        for match in pair.matches:
            sides = "".join(
                f"<div><p><bdi>{escape(one.who)}</bdi></p><pre>{escape(one.source)}</pre></div>"
                for one in (match.one, match.other)
            )
            names = ", even the names are the same" if match.same_names else ""
            lines += [
                f"<article><h3><span>{escape(match.one.question.heading or match.one.question.name)}</span> "
                f'<span class="points">{match.shared} students have it{names}</span></h3>',
                f'<div class="sides">{sides}</div></article>',
            ]
        lines.append("</section>")
    return page("Answers that are nearly the same", "\n".join(lines))


def points_of(points, of):
    """Points beside a heading, as HTML."""
    return f'<span class="points">{points:g} of {of:g}</span>'


def points_in_words(points, of):
    """Earned and possible points."""
    return f"{points:g} of {of:g} points"
