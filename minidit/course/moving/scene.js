// Draws scenes: clips that play, maps, curves and bars, with their controls. Plain functions, without anything to
// download; the notebooks' widgets (widget.js) and the page of `minidit explore` (explore.js) are made of them.

const LINES = ["#2f86cc", "#d55e00", "#009e73", "#b8669a", "#8a7a00"]; // seen on white and on black
const ONE_WAY = [[0, 32, 76], [66, 78, 108], [124, 123, 120], [187, 175, 113], [255, 234, 70]]; // cividis
const TWO_WAYS = [[33, 102, 172], [146, 197, 222], [247, 247, 247], [244, 165, 130], [178, 24, 43]]; // blue to red
const FRAME = 125; // milliseconds

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key in made) made[key] = value; else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

// Bytes (a DataView) to a scene: the length of a JSON text, that text, then the numbers of its panels.
function unpack(view) {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  const head = view.getUint32(0, true);
  const scene = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + head)));
  scene.data = bytes.slice(4 + head).buffer;
  return scene;
}

// A color of a scale, for a share from 0 to 1.
function colorAt(scale, share) {
  const at = Math.min(Math.max(share, 0), 1) * (scale.length - 1), i = Math.min(Math.floor(at), scale.length - 2);
  return scale[i].map((low, c) => low + (at - i) * (scale[i + 1][c] - low));
}

function short(number) {
  const size = Math.abs(number);
  return size && (size < 0.01 || size >= 1e5) ? number.toExponential(0) : String(+number.toPrecision(3));
}

// A canvas of rows x columns cells. A click, or an arrow key, picks one, where the panel says what that chooses.
function cells(onPick) {
  const canvas = element("canvas");
  let grid, panel;
  const pick = (row, column) => {
    row = Math.min(Math.max(row, 0), grid[0] - 1);
    column = Math.min(Math.max(column, 0), grid[1] - 1);
    onPick(panel.picks, row * grid[1] + column);
  };
  const cellOf = (event) => {
    const box = canvas.getBoundingClientRect();
    const part = [(event.clientY - box.top) / box.height, (event.clientX - box.left) / box.width];
    return part.map((share, axis) => Math.min(Math.max(Math.floor(share * grid[axis]), 0), grid[axis] - 1));
  };
  canvas.addEventListener("pointerdown", (event) => panel.picks && pick(...cellOf(event)));
  canvas.addEventListener("pointermove", (event) => {
    if (panel.picks && event.buttons) pick(...cellOf(event));
    if (panel.kind === "map") {
      const [row, column] = cellOf(event);
      canvas.title = `row ${row}, column ${column}: ${short(panel.values[row * grid[1] + column])}`;
    }
  });
  canvas.addEventListener("keydown", (event) => {
    const way = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!way || !panel.picks) return;
    event.preventDefault();
    event.stopPropagation(); // a notebook would go to the next cell
    pick(Math.floor(panel.picked / grid[1]) + way[0], (panel.picked % grid[1]) + way[1]);
  });
  function update(next, size) {
    [panel, grid] = [next, size];
    if (panel.picks) canvas.tabIndex = 0;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", panel.title);
  }
  function outline(context, width, height) { // the cell that is picked, and the lines between cells
    const [down, across] = [height / grid[0], width / grid[1]];
    if (panel.lines) {
      context.fillStyle = "#ffffffb0";
      for (let i = 1; i < grid[0]; i++) context.fillRect(0, Math.round(i * down), width, 1);
      for (let i = 1; i < grid[1]; i++) context.fillRect(Math.round(i * across), 0, 1, height);
    }
    if (!panel.picks || panel.picked == null) return;
    const box = [(panel.picked % grid[1]) * across, Math.floor(panel.picked / grid[1]) * down, across, down];
    for (const [color, by, width] of [["#000", 1.5, 3], ["#fff", 3.5, 1.5]]) {
      context.strokeStyle = color;
      context.lineWidth = width;
      context.strokeRect(box[0] + by, box[1] + by, box[2] - 2 * by, box[3] - 2 * by);
    }
  }
  return { canvas, update, outline };
}

function clipPanel(onPick) {
  const { canvas, update, outline } = cells(onPick), whole = document.createElement("canvas");
  let panel, pixels, weights;
  return {
    parts: [canvas],
    update(next, data) {
      panel = next;
      const [frames, height, width] = panel.shape, grid = panel.grid || [height, width];
      update(panel, grid);
      pixels = panel.pixels || new Uint8Array(data, panel.at, frames * height * width * 3);
      weights = typeof panel.weights === "number" ? new Float32Array(data, panel.weights, grid[0] * grid[1]) : panel.weights;
    },
    frames: () => panel.shape[0],
    draw(frame) {
      const [frames, height, width] = panel.shape, grid = panel.grid || [height, width];
      const size = height * width, first = Math.min(frame, frames - 1) * size * 3, image = new ImageData(width, height);
      const most = weights ? Math.max(...weights, 1e-9) : 1;
      for (let i = 0; i < size; i++) {
        let light = 1;
        if (weights) { // bright where they are large
          const row = Math.floor((Math.floor(i / width) * grid[0]) / height), column = Math.floor(((i % width) * grid[1]) / width);
          light = 0.15 + 0.85 * (weights[row * grid[1] + column] / most);
        }
        for (let c = 0; c < 3; c++) image.data[4 * i + c] = pixels[first + 3 * i + c] * light;
        image.data[4 * i + 3] = 255;
      }
      const shown = (canvas.clientWidth || 160) * devicePixelRatio, scale = Math.max(1, Math.round(shown / width)); // sharp
      [whole.width, whole.height, canvas.width, canvas.height] = [width, height, width * scale, height * scale];
      whole.getContext("2d").putImageData(image, 0, 0);
      const context = canvas.getContext("2d");
      context.imageSmoothingEnabled = false;
      context.drawImage(whole, 0, 0, canvas.width, canvas.height);
      outline(context, canvas.width, canvas.height);
    },
  };
}

function mapPanel(onPick) {
  const { canvas, update, outline } = cells(onPick), note = element("small");
  return {
    parts: [canvas, note],
    update(panel, data) {
      const [rows, columns] = panel.shape;
      panel.values ||= new Float32Array(data, panel.at, rows * columns);
      update(panel, panel.shape);
      const scale = panel.diverging ? TWO_WAYS : ONE_WAY, [low, high] = panel.limits;
      const size = Math.max(2, Math.round(352 / Math.max(rows, columns)));
      [canvas.width, canvas.height] = [columns * size, rows * size];
      const context = canvas.getContext("2d");
      panel.values.forEach((value, i) => {
        const color = colorAt(scale, (value - low) / (high - low || 1)).map(Math.round);
        context.fillStyle = `rgb(${color})`;
        context.fillRect((i % columns) * size, Math.floor(i / columns) * size, size, size);
      });
      outline(context, canvas.width, canvas.height);
      note.textContent = panel.note || `${panel.diverging ? "blue" : "dark"} ${short(low)}, ${panel.diverging ? "red" : "bright"} ${short(high)}`;
    },
  };
}

// Round numbers between two, about five of them.
function ticksOf(low, high) {
  const rough = (high - low || 1) / 4, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough);
  const ticks = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + step / 1e6; tick += step) ticks.push(tick);
  return ticks;
}

function curvesPanel() {
  const picture = element("div"), key = element("div", { className: "key" });
  const [left, right, top, bottom] = [44, 284, 6, 128];
  return {
    parts: [picture, key],
    update(panel) {
      const { x, lines, dots = [], mark } = panel, names = Object.keys(lines);
      const up = panel.logy ? Math.log10 : (value) => value;
      const all = [...names.flatMap((name) => lines[name]), ...dots.map((dot) => dot[1])].filter(Number.isFinite).map(up);
      const [low, high] = panel.limits ? panel.limits.map(up) : [Math.min(...all), Math.max(...all)];
      const [first, last] = panel.xlimits || [x[0], x[x.length - 1]];
      const px = (value) => left + ((value - first) / (last - first || 1)) * (right - left);
      const py = (value) => bottom - ((up(value) - low) / (high - low || 1)) * (bottom - top);
      const parts = [];
      const line = (x1, y1, x2, y2, more) => parts.push(`<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" ${more}/>`);
      const text = (x, y, anchor, said, more = "") =>
        parts.push(`<text x="${x}" y="${y}" text-anchor="${anchor}" ${more}>${said.replace(/&/g, "&amp;").replace(/</g, "&lt;")}</text>`);
      for (const tick of ticksOf(low, high)) {
        const y = bottom - ((tick - low) / (high - low || 1)) * (bottom - top);
        line(left, y, right, y, 'stroke="currentColor" stroke-opacity=".15"');
        text(left - 6, y + 4, "end", short(panel.logy ? 10 ** tick : tick));
      }
      for (const tick of ticksOf(first, last)) text(px(tick), bottom + 16, "middle", short(tick));
      line(left, bottom, right, bottom, 'stroke="currentColor" stroke-opacity=".6"');
      text((left + right) / 2, bottom + 32, "middle", panel.xlabel || "");
      text(12, (top + bottom) / 2, "middle", panel.ylabel || "", `transform="rotate(-90 12 ${(top + bottom) / 2})"`);
      if (mark != null) line(px(mark), top, px(mark), bottom, 'stroke="currentColor" stroke-dasharray="4 3"');
      names.forEach((name, i) => {
        const points = lines[name].map((y, k) => (Number.isFinite(y) ? `${px(x[k]).toFixed(1)},${py(y).toFixed(1)}` : ""));
        parts.push(`<polyline fill="none" stroke-width="2" stroke="${LINES[i % LINES.length]}" points="${points.join(" ")}"/>`);
        const at = mark == null ? -1 : x.findIndex((value) => value >= mark - 1e-9);
        if (at >= 0) parts.push(`<circle r="5" fill="${LINES[i % LINES.length]}" cx="${px(x[at])}" cy="${py(lines[name][at])}"/>`);
      });
      for (const [dx, dy] of dots) parts.push(`<circle r="4" fill="${LINES[1]}" fill-opacity=".8" cx="${px(dx)}" cy="${py(dy)}"/>`);
      picture.innerHTML = `<svg viewBox="0 0 290 164" role="img">${parts.join("")}</svg>`;
      picture.firstChild.setAttribute("aria-label", panel.title);
      key.replaceChildren(...(names.length < 2 ? [] : names.map((name, i) => {
        const sign = element("i");
        sign.style.borderColor = LINES[i % LINES.length];
        return element("span", {}, sign, name);
      })));
    },
  };
}

function barsPanel() {
  const list = element("div");
  return {
    parts: [list],
    update(panel) {
      const most = panel.most || Math.max(...Object.values(panel.bars).map(Math.abs), 1e-9);
      list.replaceChildren(...Object.entries(panel.bars).map(([name, value]) => {
        const bar = element("b");
        bar.style.width = `${Math.min(100, (100 * Math.abs(value)) / most)}%`;
        const row = element("div", { className: "bar" }, element("span", {}, name), element("div", {}, bar), element("span", {}, short(value)));
        row.classList.toggle("marked", name === panel.marked);
        return row;
      }));
    },
  };
}

const PANELS = { clip: clipPanel, map: mapPanel, curves: curvesPanel, bars: barsPanel };

// Panels side by side, and a player if one of them is a clip. onPick(name, cell) hears of clicks.
// Returns { element, show(scene) }.
function stage(onPick) {
  const panels = element("div", { className: "panels" });
  const button = element("button", { type: "button" });
  const scrub = element("input", { type: "range", min: 0, step: 1, value: 0 });
  scrub.setAttribute("aria-label", "frame");
  const where = element("output"), player = element("div", { className: "player" }, button, scrub, where);
  const said = element("p", { className: "said" });
  let drawn = [], kinds = "", frame = 0, frames = 1;
  let playing = !matchMedia("(prefers-reduced-motion: reduce)").matches, due = 0;

  function draw() {
    for (const panel of drawn) panel.draw?.(frame);
    scrub.value = frame;
    where.textContent = `frame ${frame}`;
  }
  function setPlaying(on) {
    playing = on;
    button.textContent = on ? "❚❚" : "▶";
    button.setAttribute("aria-label", on ? "pause" : "play");
  }
  button.addEventListener("click", () => setPlaying(!playing));
  scrub.addEventListener("input", () => {
    setPlaying(false);
    frame = +scrub.value;
    draw();
  });
  setPlaying(playing);
  function tick(now) {
    if (playing && frames > 1 && now >= due) {
      due = now + FRAME;
      frame = (frame + 1) % frames;
      draw();
    }
    if (!stopped) requestAnimationFrame(tick);
  }
  let stopped = false;
  requestAnimationFrame(tick);
  return {
    element: element("div", {}, panels, player, said),
    stop() { stopped = true; },
    show(scene) {
      const wanted = scene.panels.map((panel) => panel.kind + (panel.wide ? " wide" : "")).join();
      if (wanted !== kinds) {
        kinds = wanted;
        drawn = scene.panels.map((panel) => {
          const made = PANELS[panel.kind](onPick), title = element("figcaption");
          made.title = title;
          made.figure = element("figure", { className: panel.kind + (panel.wide ? " wide" : "") }, title, ...made.parts);
          return made;
        });
        panels.replaceChildren(...drawn.map((panel) => panel.figure));
      }
      scene.panels.forEach((panel, i) => {
        drawn[i].title.textContent = panel.title;
        drawn[i].update(panel, scene.data);
      });
      frames = Math.max(1, ...drawn.map((panel) => panel.frames?.() ?? 1));
      scrub.max = frames - 1;
      frame %= frames;
      player.hidden = frames === 1;
      player.style.display = frames === 1 ? "none" : "";
      said.textContent = scene.said;
      draw();
    },
  };
}

// Sliders and lists for controls { name, label, labels, kind }. onMove(name, index) hears of each move.
// Returns { element, set(indices) }.
function controlsOf(controls, onMove) {
  const parts = {}, box = element("div", { className: "controls" });
  for (const { name, label, labels, kind } of controls) {
    if (kind === "pick") continue;
    let input, shown = [];
    if (kind === "choice") {
      input = element("select", {}, ...labels.map((text, i) => element("option", { value: i }, text)));
    } else {
      input = element("input", { type: "range", min: 0, max: labels.length - 1, step: 1 });
      const value = element("output");
      input.addEventListener("input", () => (value.textContent = labels[+input.value]));
      shown = [value];
    }
    input.name = name;
    input.addEventListener("input", () => onMove(name, +input.value));
    box.append(element("label", {}, label, input, ...shown));
    parts[name] = { input, set(index) { input.value = index; if (shown[0]) shown[0].textContent = labels[index]; } };
  }
  return { element: box, set(indices) { for (const name in parts) parts[name].set(indices[name]); } };
}
