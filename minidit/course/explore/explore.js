// The page of `minidit explore`: asks for a clip, gets every moment of it, and plays them slowly enough to follow, with
// the course's fourteen steps lit as they happen. Needs scene.js and ABOUT.

const STEPS = ["prompt and time", "video to patches", "visual encoder", "noise", "encode the conditions",
  "scale and shift", "apply them", "self-attention", "attention pooling", "feed-forward", "training", "denoise",
  "visual decoder", "patches to video"];
const TRAINING = {
  2: "Only in training: a clip is cut into patches.",
  3: "Only in training: the codec's encoder turns each patch into latents.",
  11: "Only in training: the guess is compared with the clip, and every weight moves a little.",
};
const PACES = [1600, 900, 450, 180, 60]; // milliseconds a step
const [frames, rows, columns, channels] = ABOUT.latents, tokens = ABOUT.grid[0] * ABOUT.grid[1];
const $ = (id) => document.getElementById(id), form = $("ask");

let moments = [], ticks = [], tick = 0, playing = false, timer = 0, aside = null;
let token = ABOUT.grid[1] + 1, head = Math.min(3 * ABOUT.heads, ABOUT.blocks * ABOUT.heads - 1);

const picture = stage((name, cell) => {
  if (name === "token") token = cell % tokens; else head = cell;
  show();
});
$("stage").append(picture.element);
$("steps").append(...STEPS.map((name, i) => {
  const button = element("button", { type: "button" }, element("b", {}, String(i + 1)), name);
  button.classList.toggle("training", i + 1 in TRAINING);
  button.addEventListener("click", () => goToStep(i + 1));
  return element("li", {}, button);
}));

// What happens, one after the other: { step, x, guess, attention (indices of moments; guess -1 is none), said }.
function story(moments, asked) {
  const last = moments.length - 1, told = [];
  const tell = (step, x, guess, attention, said) => told.push({ step, x, guess, attention, said });
  tell(1, 0, -1, 0, `“${asked.prompt}”, and t = 0: nothing but noise.`);
  tell(4, 0, -1, 0, `${frames} × ${rows} × ${columns} × ${channels} numbers of noise, drawn with seed ${asked.seed}. In training it is mixed with a clip.`);
  for (let k = 0; k < last; k++) {
    const [t, next] = [moments[k].said, moments[k + 1].said];
    tell(5, k, k - 1, Math.max(k - 1, 0), `The words become one vector, t = ${t} another. Their sum is the condition.`);
    tell(6, k, k - 1, Math.max(k - 1, 0), `Each of the ${ABOUT.blocks} blocks makes its shifts, scales and gates of the condition.`);
    tell(7, k, k - 1, Math.max(k - 1, 0), "Every token is normalised, scaled and shifted.");
    tell(8, k, k - 1, k, "Each patch asks all the others, in every head. Click a patch, and a head.");
    tell(9, k, k - 1, k, "What the heads gather is projected, gated and added to the tokens.");
    tell(10, k, k, k, "Token by token through the feed-forward network. The last block is followed by the guess: the clip without noise.");
    tell(12, k + 1 < last ? k + 1 : k, k, k, `The sampler goes from t = ${t} to ${next}, towards the guess.`);
  }
  tell(13, last, last, last, "The codec's decoder turns the latents into patches of pixels.");
  tell(14, last, last, last, `The patches are put together: ${asked.prompt}.`);
  return told;
}

function show() {
  if (!ticks.length) return;
  const { x, guess, attention } = ticks[tick], { step, said } = aside || ticks[tick], now = moments[x], weights = moments[attention].weights;
  const clip = (moment, i, more) => ({ ...moment.panels[i], ...more });
  const from = (head * tokensHere(weights) + token) * tokensHere(weights);
  const asked = foldedTokens(weights.subarray(from, from + tokensHere(weights)));
  const heads = Float32Array.from({ length: ABOUT.blocks * ABOUT.heads }, (_, i) => {
    const row = (i * tokensHere(weights) + token) * tokensHere(weights);
    return Math.max(...foldedTokens(weights.subarray(row, row + tokensHere(weights))));
  });
  const nothing = { ...now.panels[1], pixels: new Uint8Array(now.panels[1].pixels.length).fill(128) };
  const place = { grid: ABOUT.grid, picks: "token", picked: token };
  const block = Math.floor(head / ABOUT.heads);
  picture.show({
    panels: [
      clip(now, 0, { title: x === moments.length - 1 ? "the clip" : `what there is so far, t = ${now.said}`, ...place, picked: null }),
      guess < 0 ? { ...nothing, title: "the network's guess" } : clip(moments[guess], 1, { title: "the network's guess" }),
      clip(moments[Math.max(guess, 0)], 1, { title: "where it attends", ...place, lines: true, weights: asked }),
      { kind: "map", title: "heads", shape: [ABOUT.blocks, ABOUT.heads], values: heads, limits: [0, 1], picks: "head",
        picked: head, note: `block ${block}, head ${head % ABOUT.heads}` },
    ],
    said: `${step}. ${said}`,
  });
  [...$("steps").children].forEach((item, i) => {
    if (i + 1 === step) item.firstChild.setAttribute("aria-current", "step");
    else item.firstChild.removeAttribute("aria-current");
  });
  $("when").value = tick;
  $("t").textContent = `t = ${now.said}`;
}

const tokensHere = (weights) => Math.round(Math.sqrt(weights.length / (ABOUT.blocks * ABOUT.heads)));

// Weights of all tokens, those of one place added up: longer clips have several tokens a place.
function foldedTokens(weights) {
  const folded = new Float32Array(tokens);
  weights.forEach((weight, i) => (folded[i % tokens] += weight));
  return folded;
}

function goTo(next) {
  aside = null;
  tick = Math.min(Math.max(next, 0), ticks.length - 1);
  show();
}

function goToStep(step) {
  setPlaying(false);
  if (step in TRAINING) {
    aside = { step, said: TRAINING[step] };
    return show();
  }
  const later = ticks.findIndex((one, i) => i > tick && one.step === step);
  goTo(later < 0 ? ticks.findIndex((one) => one.step === step) : later);
}

function setPlaying(on) {
  playing = on;
  clearTimeout(timer);
  $("play").textContent = on ? "❚❚" : "▶";
  $("play").setAttribute("aria-label", on ? "pause the steps" : "play the steps");
  if (on && tick === ticks.length - 1) goTo(0);
  if (on) timer = setTimeout(next, PACES[$("pace").value]);
}

function next() {
  goTo(tick + 1);
  setPlaying(playing && tick < ticks.length - 1);
}

async function make() {
  const asked = { prompt: form.prompt.value, seed: +form.seed.value, steps: +form.steps.value, guidance: +form.guidance.value };
  $("problem").hidden = true;
  try {
    const answer = await fetch("/make", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(asked) });
    if (!answer.ok) throw new Error(await answer.text());
    const data = await answer.arrayBuffer(), view = new DataView(data);
    moments = [];
    for (let at = 0; at < data.byteLength; at += 4 + view.getUint32(at, true)) {
      const moment = unpack(new DataView(data, at + 4, view.getUint32(at, true)));
      for (const panel of moment.panels.slice(0, 2)) {
        panel.pixels = new Uint8Array(moment.data, panel.at, panel.shape.reduce((a, b) => a * b) * 3);
      }
      const map = moment.panels[2];
      moment.weights = new Float32Array(moment.data, map.at, map.shape[0] * map.shape[1]);
      moments.push(moment);
    }
    ticks = story(moments, asked);
    $("when").max = ticks.length - 1;
    goTo(0);
    setPlaying(!matchMedia("(prefers-reduced-motion: reduce)").matches);
  } catch (error) {
    setPlaying(false);
    $("problem").textContent = error instanceof TypeError ? "minidit explore has ended: start it again." : error.message;
    $("problem").hidden = false;
  }
}

const isDark = () => document.documentElement.dataset.theme === "dark";
function setTheme(dark) { document.documentElement.dataset.theme = dark ? "dark" : "light"; }

form.steps.value = ABOUT.steps;
form.guidance.value = ABOUT.guidance;
form.addEventListener("submit", (event) => { event.preventDefault(); make(); });
$("play").addEventListener("click", () => setPlaying(!playing));
$("when").addEventListener("input", () => { setPlaying(false); goTo(+$("when").value); });
$("theme").addEventListener("click", () => setTheme(!isDark()));
$("theme").setAttribute("aria-label", "light or dark");
document.addEventListener("keydown", (event) => {
  if (/INPUT|BUTTON|CANVAS/.test(event.target.tagName) || event.ctrlKey || event.metaKey || event.altKey) return;
  const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (event.key === " ") setPlaying(!playing);
  else if (way) { setPlaying(false); goTo(tick + way); }
  else return;
  event.preventDefault();
});
setTheme(matchMedia("(prefers-color-scheme: dark)").matches);
setPlaying(false);
make();
