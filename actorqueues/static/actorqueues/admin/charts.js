// Charts of the figures that the server has written. The numbers are in a table beside them, too.

import uPlot from "../vendor/uplot/uPlot.esm.js";

const HEIGHT = 180; // CSS pixels
const DASHES = [[], [6, 3], [2, 3], [10, 3, 2, 3]]; // lines differ not by colour alone
const UNITS = [[1, "ms", 0.001], [60, "s", 1], [3600, "min", 60], [Infinity, "h", 3600]]; // each up to a limit

export const drawn = new Map(); // charts by their figures
const language = document.documentElement.lang || undefined;

/** Draws the charts of the page, and those of sections that are drawn anew. */
export function startCharts() {
  drawAll(document);
  document.addEventListener("aq:drawn", (event) => {
    for (const [figure, chart] of drawn) if (!figure.isConnected) chart.destroy();
    drawAll(event.target);
  });
  const recolour = () => drawn.forEach((chart) => chart.redraw());
  new MutationObserver(recolour).observe(document.documentElement, { attributeFilter: ["data-theme", "class"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
}

function drawAll(root) {
  for (const figure of root.querySelectorAll(".aq-chart")) {
    if (!drawn.has(figure)) drawn.set(figure, new Chart(figure));
  }
}

class Chart {
  constructor(figure) {
    this.figure = figure;
    this.data = JSON.parse(figure.dataset.chart);
    this.zone = known(this.data.zone);
    this.isLatency = figure.dataset.kind === "latency";
    this.box = element("div", "aq-plot");
    this.box.setAttribute("role", "img");
    this.box.setAttribute("aria-label", figure.dataset.summary ?? "");
    this.values = this.data.series.map(() => element("span", "aq-series-value"));
    this.legend = element("ul", "aq-legend");
    this.when = element("li", "aq-series-when");
    this.legend.append(...this.data.series.map((one, number) => this.legendEntry(one, number)), this.when);
    figure.append(this.box, this.legend);
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.box);
  }

  legendEntry({ label, role }, number) {
    const entry = element("li", "aq-series");
    const swatch = element("span", `aq-swatch aq-series-${role} aq-dash-${number % DASHES.length}`);
    entry.append(swatch, label, " ", this.values[number]);
    return entry;
  }

  resize() {
    const width = this.box.clientWidth;
    if (!width) return; // it is hidden
    if (!this.plot) this.draw(width);
    else if (width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT });
  }

  redraw() {
    if (!this.plot) return;
    this.plot.destroy();
    this.draw(this.box.clientWidth);
  }

  draw(width) {
    const { x, series } = this.data;
    this.plot = new uPlot(this.options(width), [x, ...series.map((one) => one.values)], this.box);
  }

  destroy() {
    this.observer.disconnect();
    this.plot?.destroy();
    drawn.delete(this.figure);
  }

  options(width) {
    const style = getComputedStyle(this.figure);
    const line = style.getPropertyValue("--border-color").trim() || "rgb(128 128 128 / 40%)";
    const axis = {
      stroke: style.color,
      font: `12px ${style.fontFamily}`,
      grid: { stroke: line, width: 1 },
      ticks: { stroke: line, width: 1 },
    };
    return {
      width,
      height: HEIGHT,
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), this.zone), // its lines stand at whole hours there
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { size: 6 } },
      scales: { y: { range: (_, __, most) => [0, most ? most * 1.1 : 1] } },
      axes: [
        { ...axis, size: 30, space: 60, values: (_, splits) => splits.map((one) => this.clock(one)) },
        {
          ...axis,
          size: 72,
          incrs: this.isLatency ? timeSteps() : wholeSteps(),
          values: (_, splits) => splits.map((one) => this.format(one)),
        },
      ],
      series: [{}, ...this.data.series.map((one, number) => this.seriesOptions(one, number, style))],
      hooks: { setCursor: [(plot) => this.showValues(plot.cursor.idx)] },
    };
  }

  seriesOptions({ role }, number, style) {
    return {
      stroke: style.getPropertyValue(`--aq-series-${role}`).trim() || style.color,
      width: 2,
      dash: DASHES[number % DASHES.length],
      points: { show: this.isLatency, size: 4 }, // a value between two gaps has no line
    };
  }

  clock(at) {
    const words = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: this.zone };
    return new Date(at * 1000).toLocaleTimeString(language, words);
  }

  format(value) {
    return this.isLatency ? seconds(value, this.data.durations) : counts(value);
  }

  showValues(index) {
    this.when.textContent = index == null ? "" : this.clock(this.data.x[index]);
    this.data.series.forEach(({ values }, number) => {
      const value = index == null ? null : values[index];
      this.values[number].textContent = value == null ? "" : this.format(value);
    });
  }
}

function element(name, className) {
  const made = document.createElement(name);
  made.className = className;
  return made;
}

/** The server's time zone, in which the tables are too. Of one that it has never heard of a browser has only its own. */
function known(zone) {
  try {
    return new Intl.DateTimeFormat(language, { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    return new Intl.DateTimeFormat().resolvedOptions().timeZone;
  }
}

function counts(value) {
  return new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

/** `4 ms`, `1.2 s`, `12 min`, `3.5 h`, in the words that the server has sent */
function seconds(value, words) {
  if (value === 0) return "0";
  const [, unit, size] = UNITS.find(([limit]) => value < limit);
  return words[unit].replace("%s", number(value / size));
}

function number(value) {
  return new Intl.NumberFormat(language, { maximumSignificantDigits: 3 }).format(value);
}

/** Up to seconds in ones, twos and fives; then as clocks are divided. */
function timeSteps() {
  const small = Array.from({ length: 5 }, (_, power) => [1, 2, 5].map((one) => one * 10 ** (power - 4))).flat();
  return [...small, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 36000];
}

function wholeSteps() {
  return Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((one) => one * 10 ** power)).flat();
}
