// What of this page a person could not read, reach or use; a list of sentences, empty if all is well.
const problems = [];
const root = document.documentElement;
if (root.scrollWidth > root.clientWidth) problems.push(`is ${root.scrollWidth} px wide on ${root.clientWidth} px`);
if (!root.lang) problems.push("does not say its language");
if (document.querySelectorAll("h1").length !== 1) problems.push("has not exactly one h1");

const name = (element) => element.outerHTML.slice(0, 120);
const isShown = (element) => element.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true });

const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) problems.push(`has the id ${id} twice`);

for (const field of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
  if (isShown(field) && field.labels.length === 0 && !field.ariaLabel) problems.push(`has a field without a label: ${name(field)}`);
}
for (const control of document.querySelectorAll("a[href], button, summary")) {
  if (!control.textContent.trim() && !control.ariaLabel) problems.push(`has a nameless control: ${name(control)}`);
}
for (const image of document.querySelectorAll("img, svg")) {
  const isNamed = image.alt || image.ariaLabel || image.ariaHidden === "true" || image.querySelector("title");
  if (!isNamed) problems.push(`has a picture without words: ${name(image)}`);
}
for (const table of document.querySelectorAll("table")) {
  if (!table.querySelector("th[scope]")) problems.push(`has a table without headings: ${name(table)}`);
}

// Contrast as WCAG 2.2 counts it (1.4.3, level AA): colours in whatever notation are drawn, then read as numbers.
const paint = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
const over = (layers) => {
  paint.clearRect(0, 0, 1, 1);
  for (const colour of layers) {
    paint.fillStyle = colour;
    paint.fillRect(0, 0, 1, 1);
  }
  return [...paint.getImageData(0, 0, 1, 1).data].slice(0, 3);
};
const luminance = (rgb) => {
  const [red, green, blue] = rgb.map((value) => value / 255).map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const contrast = (one, other) => {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
};
const canvas = matchMedia("(prefers-color-scheme: dark)").matches ? "#121212" : "#ffffff";
const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let text = texts.nextNode(); text; text = texts.nextNode()) {
  const element = text.parentElement;
  if (!text.data.trim() || !isShown(element)) continue;
  const backgrounds = [];
  for (let behind = element; behind; behind = behind.parentElement) backgrounds.unshift(getComputedStyle(behind).backgroundColor);
  const style = getComputedStyle(element);
  const size = parseFloat(style.fontSize);
  const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  const found = contrast(over([canvas, ...backgrounds]), over([canvas, ...backgrounds, style.color]));
  if (found < (isLarge ? 3 : 4.5)) problems.push(`shows text with a contrast of ${found.toFixed(2)}: ${name(element)}`);
}
return problems;
