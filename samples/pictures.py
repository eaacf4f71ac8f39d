"""Draws the pictures of an invented show: an evening over the harbour, another one for every name."""

from __future__ import annotations

import hashlib
from io import BytesIO

from PIL import Image, ImageDraw


def evening(name: str, size: tuple[int, int]) -> bytes:
    """A JPEG that follows from a name."""
    dice = hashlib.sha256(name.encode()).digest()
    width, height = size
    horizon = height * (55 + dice[0] % 15) // 100
    sky, glow, sea = ((dice[n] // 2, dice[n + 1] // 2, 90 + dice[n + 2] // 3) for n in (1, 4, 7))
    ramp = Image.new("RGB", (1, 3))
    ramp.putdata([sky, (min(255, glow[0] + 120), glow[1] + 40, 80), sea])
    image = ramp.resize(size, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, horizon, width, height), fill=sea)
    middle, radius = width * (20 + dice[10] % 60) // 100, height * (6 + dice[11] % 6) // 100
    draw.pieslice(
        (middle - radius, horizon - radius, middle + radius, horizon + radius), 180, 360, fill=(255, 205, 120)
    )
    for boat in range(2 + dice[12] % 3):
        x, scale = width * (10 + dice[13 + boat] % 80) // 100, height * (8 + dice[17 + boat] % 10) // 100
        y = horizon + scale // 2
        draw.polygon([(x, y), (x, y - 2 * scale), (x + scale, y)], fill=(240, 236, 225))
        hull = [(x - scale, y), (x + scale, y), (x + scale // 2, y + scale // 2), (x - scale // 2, y + scale // 2)]
        draw.polygon(hull, fill=(60, 40, 35))
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=70)
    return buffer.getvalue()
