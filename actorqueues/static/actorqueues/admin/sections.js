// The parts of a page that are drawn anew, without disturbing who reads them.

const TYPED_INTO = "input, textarea, select, [contenteditable]";
const FOUND_BY_ITSELF = "[id], [data-keep]";

/** One `<section data-section="name">`. */
export class Section {
  constructor(element) {
    this.element = element;
    this.shown = comparable(element.innerHTML);
    this.waiting = null; // HTML that is drawn when nobody is disturbed
    this.isPressed = false;
    this.remember();
  }

  /** Shows this HTML, now or as soon as nobody is in the way. */
  offer(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    const wanted = comparable(template.innerHTML);
    this.waiting = null;
    if (wanted === this.shown) return;
    if (this.isHeld(template.content)) this.waiting = html;
    else this.draw(template.content, wanted);
  }

  retry() {
    if (this.waiting !== null) this.offer(this.waiting);
  }

  draw(content, wanted) {
    const changed = this.changedDetails();
    const scrolled = this.scrolled();
    const focused = this.focused();
    const again = focused && twin(focused, this.element, content);
    this.element.replaceChildren(content);
    this.shown = wanted;
    this.remember();
    for (const [path, isOpen] of changed) {
      const details = atPath(this.element, path);
      if (details?.localName === "details") details.open = isOpen;
    }
    for (const [path, left, top] of scrolled) atPath(this.element, path)?.scrollTo(left, top);
    again?.focus({ preventScroll: true });
    this.element.dispatchEvent(new CustomEvent("aq:drawn", { bubbles: true }));
  }

  /** Whether somebody would lose the focus, what they type, what they have selected or the button they press. */
  isHeld(content) {
    const focused = this.focused();
    if (focused && (focused.matches(TYPED_INTO) || !twin(focused, this.element, content))) return true;
    const selection = getSelection();
    const selects = selection && !selection.isCollapsed && selection.rangeCount > 0;
    return (selects && selection.getRangeAt(0).intersectsNode(this.element)) || this.isPressed;
  }

  focused() {
    const focused = document.activeElement;
    return focused && focused !== this.element && this.element.contains(focused) ? focused : null;
  }

  remember() {
    this.drawnOpen = new WeakMap();
    for (const details of this.element.querySelectorAll("details")) this.drawnOpen.set(details, details.open);
  }

  /** Those that a person has opened or closed: what the server says of the others is as good. */
  changedDetails() {
    const all = [...this.element.querySelectorAll("details")];
    const changed = all.filter((details) => this.drawnOpen.get(details) !== details.open);
    return changed.map((details) => [pathOf(details, this.element), details.open]);
  }

  scrolled() {
    const all = [...this.element.querySelectorAll("*")].filter((one) => one.scrollLeft || one.scrollTop);
    return all.map((one) => [pathOf(one, this.element), one.scrollLeft, one.scrollTop]);
  }
}

/** The sections of the page by name. They draw what had to wait when whoever was in the way is gone. */
export function findSections() {
  const elements = [...document.querySelectorAll("[data-section]")];
  const sections = new Map(elements.map((element) => [element.dataset.section, new Section(element)]));
  const all = [...sections.values()];
  const retry = () => setTimeout(() => all.forEach((section) => section.retry()));
  document.addEventListener("focusout", retry);
  document.addEventListener("selectionchange", retry);
  document.addEventListener("pointerdown", (event) => {
    for (const section of all) section.isPressed = section.element.contains(event.target);
  });
  for (const released of ["pointerup", "pointercancel"]) {
    document.addEventListener(released, () => {
      for (const section of all) section.isPressed = false;
      retry();
    });
  }
  return sections;
}

/** Every answer has another token in its forms, for the same purpose. */
function comparable(html) {
  return html.replace(/(name="csrfmiddlewaretoken" value=")[^"]*/g, "$1");
}

/** From the nearest element that has a name of its own, else from the section. */
function pathOf(element, section) {
  const steps = [];
  let here = element;
  while (here !== section && !here.matches(FOUND_BY_ITSELF)) {
    steps.unshift([...here.parentElement.children].indexOf(here));
    here = here.parentElement;
  }
  return { anchor: here === section ? null : selectorOf(here), steps };
}

function atPath(root, { anchor, steps }) {
  const start = anchor ? root.querySelector(anchor) : root;
  return steps.reduce((here, step) => here?.children[step], start) ?? null;
}

function selectorOf(element) {
  const { keep } = element.dataset;
  return keep ? `[data-keep="${CSS.escape(keep)}"]` : `#${CSS.escape(element.id)}`;
}

/** The element of the new content that is what this one was to whoever has the focus on it. */
function twin(element, section, content) {
  if (element.matches(FOUND_BY_ITSELF)) return content.querySelector(selectorOf(element));
  if (element.matches("a[href]")) return content.querySelector(`a${valued(element, "href")}`);
  if (element.matches("button")) {
    const selector = ["name", "value", "formaction"].map((name) => valued(element, name)).join("");
    return content.querySelector(`button${selector}`);
  }
  const found = atPath(content, pathOf(element, section));
  return found?.localName === element.localName ? found : null;
}

function valued(element, name) {
  return element.hasAttribute(name) ? `[${name}="${CSS.escape(element.getAttribute(name))}"]` : "";
}
