"""`prepare`: fetches the icon sets, draws every icon, sign and shape once, and writes them to sprites.npz.

Needs npm, rsvg-convert (Debian: librsvg2-bin) and the fonts DejaVu, Liberation and FreeFont (fonts-dejavu-core, fonts-liberation,
fonts-freefont-ttf). Everything is fetched into the work folder; nothing of it lands in the repository.
"""
import json
import subprocess
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from things import COLORS, ICONS, NUMBERS, SHAPES, STYLES, UNSEEN_STYLE, WORDS

SIZE = 160  # longest edge of a sprite, pixels
PACKAGES = {
    "noto": "@iconify-json/noto@1.2.9", "twemoji": "@iconify-json/twemoji@1.2.5", "openmoji": "@iconify-json/openmoji@1.2.29",
    "emojione": "@iconify-json/emojione@1.2.3", "fluent-emoji-flat": "@iconify-json/fluent-emoji-flat@1.2.6",
}
FONTS = [
    "dejavu/DejaVuSans-Bold.ttf", "dejavu/DejaVuSerif-Bold.ttf", "dejavu/DejaVuSans.ttf", "liberation/LiberationSans-Bold.ttf",
    "liberation/LiberationSerif-Bold.ttf", "liberation/LiberationSansNarrow-Bold.ttf", "freefont/FreeSansBold.ttf",
]
UNSEEN_FONT = "freefont/FreeMonoBold.ttf"


def cropped(image, edge=SIZE):
    """The drawing without its empty border, its longest edge `edge`."""
    image = image.crop(image.getchannel("A").point(lambda v: 255 * (v > 8)).getbbox())
    scale = edge / max(image.size)
    return image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))), Image.LANCZOS)


def icons(work, wanted):
    """(name, style, colour, picture) of every icon in every style."""
    subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(work),
                    *(PACKAGES[style] for style in wanted)], check=True, capture_output=True)
    for style in wanted:
        pack = json.loads((work / "node_modules/@iconify-json" / style / "icons.json").read_text())
        for name, icon in ICONS.items():
            key = icon
            while key not in pack["icons"]:
                key = pack["aliases"][key]["parent"]
            drawing = pack["icons"][key]
            w, h = (drawing.get(k, pack.get(k, 16)) for k in ("width", "height"))
            svg = (f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
                   f'viewBox="{drawing.get("left", 0)} {drawing.get("top", 0)} {w} {h}">{drawing["body"]}</svg>')
            png = subprocess.run(["rsvg-convert", "-w", str(SIZE * 2), "-h", str(SIZE * 2)], input=svg.encode(), check=True,
                                 capture_output=True).stdout
            path = work / "icon.png"
            path.write_bytes(png)
            yield name, style, "", cropped(Image.open(path).convert("RGBA"))


def font_folder():
    return Path("/usr/share/fonts/truetype")


def near(color, random, spread=10):
    """A colour that still deserves the name."""
    return tuple(int(v) for v in np.clip(np.array(COLORS[color]) + random.integers(-spread, spread + 1, 3), 0, 255))


def signs(random):
    """Printed words and numbers on a card, in every font; a word on a light card is dark and the other way round."""
    for text in WORDS + NUMBERS:
        for name in [*FONTS, UNSEEN_FONT]:
            style = "unseen" if name == UNSEEN_FONT else "seen"
            font = ImageFont.truetype(str(font_folder() / name), 96)
            left, top, right, bottom = font.getbbox(text)
            for variant in range(3):
                pad = int(random.integers(14, 40))
                width, height = max(right - left, 60) + 2 * pad, bottom - top + 2 * pad
                image = Image.new("RGBA", (width + 8, height + 8))
                draw = ImageDraw.Draw(image)
                color = list(COLORS)[random.integers(len(COLORS))]
                card = near(color, random)
                bright = sum(card) > 330
                ink = (random.integers(0, 50, 3) if bright else random.integers(215, 256, 3)).tolist()
                draw.rounded_rectangle((4, 4, width + 3, height + 3), radius=int(random.integers(2, 24)), fill=card, outline=tuple(ink),
                                       width=int(random.integers(0, 7)))
                draw.text((4 + (width - right - left) / 2, 4 + pad - top), text, font=font, fill=tuple(ink))
                yield "sign " + text, style, color, cropped(image)


def shapes(random):
    for shape in SHAPES:
        for color in COLORS:
            for variant in range(4):
                n = SIZE * 3
                image = Image.new("RGBA", (n, n))
                draw = ImageDraw.Draw(image)
                fill = near(color, random)
                edge = tuple(v // 2 for v in fill) if sum(fill) > 200 else (110, 110, 110)
                line = dict(fill=fill, outline=edge, width=12 if variant % 2 else 3)
                if shape == "circle":
                    draw.ellipse((6, 6, n - 7, n - 7), **line)
                elif shape == "square":
                    draw.rounded_rectangle((6, 6, n - 7, n - 7), radius=variant * 14, **line)
                else:
                    draw.polygon([(n / 2, 8), (n - 8, n * 0.9), (8, n * 0.9)], fill=edge)
                    inset = 14 if variant % 2 else 4
                    draw.polygon([(n / 2, 8 + 2 * inset), (n - 8 - 1.7 * inset, n * 0.9 - inset), (8 + 1.7 * inset, n * 0.9 - inset)], fill=fill)
                yield shape, "seen", color, cropped(image)


def prepare(work, styles=None):
    """Writes sprites.npz: one RGBA array per sprite, and a list of [name, style, colour]. `styles`: only these icon sets."""
    work.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(20)
    entries, arrays = [], {}
    for name, style, color, image in [*icons(work, styles or [*STYLES, UNSEEN_STYLE]), *signs(random), *shapes(random)]:
        arrays[f"s{len(entries)}"] = np.asarray(image)
        entries.append([name, style, color])
    np.savez_compressed(work / "sprites.npz", entries=np.array(entries), **arrays)
    print(f"{len(entries)} sprites in {work / 'sprites.npz'}")
