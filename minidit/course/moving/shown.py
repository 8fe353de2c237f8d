"""The way of a moving thing into a notebook: the widget, and a picture for where no widget runs."""

from minidit.course.drawing.show import bundle_of, in_notebook, publish
from minidit.course.moving.moving import Moving
from minidit.course.moving.still import still

INSTALL = "To move this picture, install anywidget and restart the kernel: pip install 'minidit[lessons]'"


def moving(controls, scene, alt):
    """Shows a Moving at once if there is a notebook, and returns it. Arguments as of Moving."""
    made = Moving(controls, scene, alt)
    if in_notebook():
        bundle, metadata = bundle_of(still(made))
        widget = widget_of(made)
        publish(bundle | widget, metadata)
        if not widget:
            print(INSTALL)
    return made


def widget_of(made):
    """The MIME bundle of the widget; empty where anywidget is missing."""
    try:
        from minidit.course.moving.widget import Widget
    except ModuleNotFoundError:
        return {}
    bundle = Widget(made)._repr_mimebundle_()
    bundle = bundle[0] if isinstance(bundle, tuple) else bundle
    return {kind: data for kind, data in bundle.items() if kind != "text/plain"}  # which has an address
