/* What a page has that is hard to read or to touch: texts of too little contrast, and targets lower than 44 px. */
() => {
  const pixel = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    pixel.clearRect(0, 0, 1, 1);
    pixel.fillStyle = colour;
    pixel.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = pixel.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], below) => [r, g, b].map((value, at) => value * a + below[at] * (1 - a));
  const ground = (element) => {
    const below = element.parentElement ? ground(element.parentElement) : [255, 255, 255];
    return over(rgba(getComputedStyle(element).backgroundColor), below);
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((value) => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  const isSeen = (element) => element.checkVisibility() && !element.closest(".visually-hidden, .skip, svg");
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || !isSeen(element)) continue;
    const below = ground(element);
    const tones = [light(below), light(over(rgba(getComputedStyle(element).color), below))];
    const contrast = Math.max(...tones) / Math.min(...tones);
    if (contrast < 4.5) found.push(`${contrast.toFixed(2)}: ${texts.currentNode.textContent.trim()}`);
  }
  for (const target of document.querySelectorAll("a, button, select, textarea, summary, input:not([type=hidden], [type=radio], [type=checkbox])")) {
    const isInText = [...target.parentElement.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim().length > 2);
    if (!isSeen(target) || isInText || target.matches(".badge")) continue;
    const { height } = target.getBoundingClientRect();
    if (height < 43.5) found.push(`${Math.round(height)} px: ${target.textContent.trim() || target.name}`);
  }
  return found;
}
