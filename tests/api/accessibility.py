"""What keeps people from a page who see little, hit badly or listen: the rules of WCAG 2.2 that a program can hold."""

from __future__ import annotations

from itertools import pairwise

from playwright.sync_api import Page

TOO_FAINT = """() => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const mixed = (colour, under) => {
        for (const fill of [under, colour]) { canvas.fillStyle = fill; canvas.fillRect(0, 0, 1, 1); }
        return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const linear = (value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const light = (colour) => {
        const [red, green, blue] = colour.map((value) => linear(value / 255));
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const behind = (element) => element === null ? 'white'
        : `rgb(${mixed(getComputedStyle(element).backgroundColor, behind(element.parentElement))})`;
    const found = [];
    const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (words.nextNode()) {
        const element = words.currentNode.parentElement, text = words.currentNode.textContent.trim();
        if (!text || element.closest('svg, option, .visually-hidden, .skip') || !element.checkVisibility()) continue;
        const under = behind(element);
        const pair = [light(mixed(getComputedStyle(element).color, under)), light(mixed(under, under))];
        const contrast = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
        if (contrast < 4.5) found.push(`${contrast.toFixed(1)} is too faint: ${text.slice(0, 40)}`);
    }
    return found;
}"""
"""1.4.3: words stand out against what is behind them."""

TOO_SMALL = """() => [...document.querySelectorAll('button, select, summary, input, nav a, .button, .tiles a')]
    .filter((one) => one.type !== 'hidden' && one.checkVisibility())
    .filter((one) => Math.min(one.getBoundingClientRect().height, one.getBoundingClientRect().width) < 24)
    .map((one) => `too small: ${one.outerHTML.slice(0, 80)}`)"""
"""2.5.8: what is pressed can be hit by a thumb."""

TOO_LOW = """() => [...document.querySelectorAll('a, button, select, textarea, summary, input')]
    .filter((one) => !['hidden', 'radio', 'checkbox'].includes(one.type) && one.checkVisibility())
    .filter((one) => !one.closest('.visually-hidden, .skip, svg') && !one.matches('.badge'))
    .filter((one) => ![...one.parentElement.childNodes].some(
        (node) => node.nodeType === Node.TEXT_NODE && node.textContent.trim().length > 2))
    .filter((one) => one.getBoundingClientRect().height < 43.5)
    .map((one) => `${Math.round(one.getBoundingClientRect().height)} px: ${one.textContent.trim() || one.name}`)"""
"""2.5.5: what is pressed is as high as a finger is wide, links within a text aside."""

UNNAMED = """() => [...document.querySelectorAll('svg')]
    .filter((one) => one.getAttribute('role') !== 'img' || !one.querySelector(':scope > title')?.textContent
                     || !one.querySelector(':scope > desc')?.textContent)
    .map((one) => `has no name: ${one.outerHTML.slice(0, 80)}`)"""
"""1.1.1: a chart has a name, and is told in words."""

HEADINGS = "() => [...document.querySelectorAll('h1, h2, h3, h4')].map((one) => Number(one.tagName[1]))"
LANDMARKS = ("header", "nav", "main", "footer")


def faults(page: Page) -> list[str]:
    """What is wrong with a page, each in a few words."""
    found: list[str] = [fault for rule in (TOO_FAINT, TOO_SMALL, UNNAMED) for fault in page.evaluate(rule)]
    levels = page.evaluate(HEADINGS)
    found += [f"a heading {later} follows one of {level}" for level, later in pairwise(levels) if later > level + 1]
    return found + [f"not one {name}" for name in LANDMARKS if page.locator(f"body > {name}, .top {name}").count() != 1]
