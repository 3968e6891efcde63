/* What the pages have in common. */

export const byId = (id) => document.getElementById(id);

export const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

export const grouped = (number) => number.toLocaleString("en");

export function newId() {
  const bytes = [...crypto.getRandomValues(new Uint8Array(8))];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** An area under these values, over the whole width; upright lines at the places in `marks`. */
export function drawArea(svg, values, marks = []) {
  const { width, height } = svg.viewBox.baseVal;
  const highest = Math.max(...values, 1) * 1.1;
  const across = (place) => Math.round((place * width) / Math.max(values.length - 1, 1));
  const up = (value) => (height * (1 - value / highest)).toFixed(1);
  const line = `M${values.map((value, place) => `${across(place)},${up(value)}`).join("L")}`;
  svg.replaceChildren(
    shape("path", { class: "area", d: `${line}V${height}H0Z` }),
    shape("path", { class: "line", d: line }),
    ...marks.map((place) => shape("path", { class: "mark", d: `M${across(place)},0V${height}` })),
  );
}

export function shape(name, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
