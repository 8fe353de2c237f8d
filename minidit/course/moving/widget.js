// A scene of a notebook: what is moved goes to the kernel as indices, what comes back is drawn. Needs scene.js.

function render({ model, el }) {
  const move = (name, index) => {
    const indices = { ...model.get("indices"), [name]: index };
    model.set("indices", indices);
    model.save_changes(); // Jupyter sends the newest only, as soon as the kernel is done with the one before
  };
  const controls = controlsOf(model.get("controls"), move), scene = stage(move);
  controls.set(model.get("indices"));
  el.classList.add("moving");
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", model.get("alt"));
  el.append(controls.element, scene.element);
  const show = () => scene.show(unpack(model.get("scene")));
  model.on("change:scene", show);
  show();
  return () => { model.off("change:scene", show); scene.stop(); };
}

export default { render };
