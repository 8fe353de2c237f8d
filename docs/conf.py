"""How Sphinx builds the site, from these pages, the lessons and the docstrings. One command, in the clone's folder:

    sphinx-build -qW --keep-going -c docs -d build/doctrees . build/site

It fails if a link or an anchor of any built page leads nowhere. build/site/index.html opens the site.
"""

import re
import sys
from pathlib import Path

from docutils import nodes
from sphinx import addnodes
from sphinx.errors import SphinxError

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from links import broken_links  # noqa: E402

project = "minidit"
html_title = project
extensions = [
    "myst_nb", "sphinx.ext.apidoc", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode",
    "sphinx-mathjax-offline",
]
root_doc = "README"
include_patterns = ["*.md", "docs/**", "figures/**", "lessons/*.md", "lessons/*/*.ipynb"]
exclude_patterns = ["docs/*.py", "docs/index.html", "docs/static"]
suppress_warnings = [
    "toc.not_included",  # the lessons' other editions, which the lessons' page leads to
    "ref.python",  # a name in a docstring's types that several modules have
]

# The README is the front page, and GitHub shows it too: so the sidebar's contents stand here.
CONTENTS = """
```{toctree}
:hidden:
:caption: Use

docs/installation
docs/uses
docs/training
docs/gpu
docs/weights
```

```{toctree}
:hidden:
:caption: Understand

docs/design
docs/results
docs/speed
figures/README
figures/claims/README
figures/ablation/README
API reference <docs/api/minidit>
```

```{toctree}
:hidden:
:caption: Learn

lessons/README
lessons/teachers
lessons/mathematics
lessons/projects
```

```{toctree}
:hidden:
:caption: The lessons, solved
:glob:

lessons/solutions/*
```

```{toctree}
:hidden:
:caption: The project

CONTRIBUTING
CHANGELOG
```
"""

apidoc_modules = [{"path": "../minidit", "destination": "docs/api", "module_first": True}]  # a page a package
viewcode_follow_imported_members = False
autodoc_use_type_comments = False
toc_object_entries = False  # the contents of every page would hold every function of the package
autodoc_member_order = "bysource"
autodoc_default_options = {"ignore-module-all": True}  # each function once, where it is written
autodoc_mock_imports = ["anywidget", "cupy", "mpi4py", "torch"]
napoleon_use_ivar = True
napoleon_use_rtype = False
default_role = "code"  # `name` in a docstring is code

nb_execution_mode = "off"  # the solved notebooks are committed with their outputs
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4

html_theme = "furo"
html_copy_source = False
html_show_sourcelink = False
html_extra_path = ["index.html"]
html_static_path = ["static"]
html_css_files = ["site.css"]


def add_contents(app, name, source):
    """Appends the sidebar's contents to the front page."""
    if name == root_doc:
        source[0] += CONTENTS


def link_code(app, document):
    """Lets a link to one of the package's files lead to its page on the site, instead of downloading the file."""
    up = "../" * app.env.docname.count("/")
    for link in list(document.findall(addnodes.download_reference)):
        path = (Path(app.srcdir) / app.env.docname).parent / link["reftarget"]
        parts = path.resolve().relative_to(app.srcdir).with_suffix("").parts
        if path.suffix != ".py" or parts[0] != "minidit":
            continue
        page = f"docs/api/{'.'.join(parts[:-1])}" if parts[-1] == "__init__" else f"_modules/{'/'.join(parts)}"
        link.replace_self(nodes.reference("", "", *link.children, refuri=f"{up}{page}.html"))


def as_restructured_text(app, what, name, obj, options, lines):
    """Docstrings are plain text: indented examples, "Args: x (N, D)", f(*inputs), |x|. Sphinx wants them marked."""
    marked, inside = [], False
    for line in lines:
        section = re.match(r"(Args|Returns|Raises): +(\S.*)", line)
        if section:
            marked += [f"{section[1]}:", f"    {section[2]}"]
        elif inside and line.startswith(" "):
            marked.append(f"    {line.strip()}")
        elif line.startswith(" "):
            example = len(marked) > 1 and not marked[-1] and marked[-2] and not marked[-2].startswith(" ")
            marked += ["::", "", line] if example else [line]
        else:
            pieces = re.split(r"(`[^`]*`|\*\w[^*]*\w\*)", line)  # code and emphasis
            pieces[::2] = [re.sub(r"[*|]", r"\\\g<0>", piece) for piece in pieces[::2]]
            marked += ["", "".join(pieces)] if line.startswith("Source:") else ["".join(pieces)]
        inside = bool(section) or inside and line.startswith(" ")
    lines[:] = marked


def check_links(app, error):
    """Fails the build over links and anchors that lead nowhere: Sphinx looks at most of them, but not at all."""
    broken = [] if error else broken_links(Path(app.outdir))
    if broken:
        raise SphinxError("\n".join(["broken links:", *broken]))


def setup(app):
    app.add_generic_role("mpltype", nodes.literal)  # in what is inherited from matplotlib
    app.connect("autodoc-process-docstring", as_restructured_text, priority=100)  # before napoleon
    app.connect("source-read", add_contents)
    app.connect("doctree-read", link_code, priority=100)  # before Sphinx collects the downloads
    app.connect("build-finished", check_links)
