"""The sample pictures of the first command: the scenes that training draws, large and with soft shadows."""
import json
import subprocess

import numpy as np
from PIL import Image, ImageFilter

from prepare import cropped, font_folder
from things import COLORS, ICONS

EDGE = 512
# file: (ground, [(thing, style, middle x, middle y, edge), ...]); shares of the picture
PICTURES = {
    "strawberry.png": ("yellow", [("strawberry", "noto", 0.5, 0.52, 0.62)]),
    "cat_and_car.png": ("green", [("cat", "noto", 0.27, 0.35, 0.44), ("car", "noto", 0.72, 0.68, 0.46)]),
    "sweets.png": ("blue", [("donut", "noto", 0.24, 0.3, 0.36), ("banana", "twemoji", 0.74, 0.28, 0.36), ("cookie", "noto", 0.5, 0.74, 0.38)]),
    "balloons.png": ("pink", [("balloon", "noto", 0.22, 0.34, 0.36), ("balloon", "twemoji", 0.5, 0.7, 0.36), ("present", "noto", 0.78, 0.34, 0.36)]),
    "pizza.png": ("green", [("pizza", "noto", 0.5, 0.5, 0.64)]),
    "penguin.png": ("red", [("penguin", "noto", 0.5, 0.52, 0.66)]),
    "sign.png": ("gray", [("sign STOP", "red", 0.5, 0.3, 0.52), ("owl", "noto", 0.5, 0.74, 0.42)]),
}


def drawing(work, name, style, edge):
    """An icon drawn at its final size, or a sign."""
    if name.startswith("sign "):
        from PIL import ImageDraw, ImageFont
        font = ImageFont.truetype(str(font_folder() / "dejavu/DejaVuSans-Bold.ttf"), 160)
        left, top, right, bottom = font.getbbox(name[5:])
        image = Image.new("RGBA", (right - left + 120, bottom - top + 110))
        draw = ImageDraw.Draw(image)
        draw.rounded_rectangle((4, 4, image.width - 5, image.height - 5), 36, fill=COLORS[style], outline=(255, 255, 255), width=8)
        draw.text((60 - left, 55 - top), name[5:], font=font, fill=(255, 255, 255))
    else:
        pack = json.loads((work / "node_modules/@iconify-json" / style / "icons.json").read_text())
        icon = pack["icons"][ICONS[name]]
        w, h = (icon.get(k, pack.get(k, 16)) for k in ("width", "height"))
        svg = f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 {w} {h}">{icon["body"]}</svg>'
        png = subprocess.run(["rsvg-convert", "-w", "640", "-h", "640"], input=svg.encode(), check=True, capture_output=True).stdout
        (work / "icon.png").write_bytes(png)
        image = Image.open(work / "icon.png").convert("RGBA")
    image = cropped(image, edge * 2)
    return image.resize((round(image.width / 2), round(image.height / 2)), Image.LANCZOS)


def samples(work, out):
    out.mkdir(parents=True, exist_ok=True)
    for file, (ground, things) in PICTURES.items():
        base, ramp = np.array(COLORS[ground], np.float32), np.linspace(16, -16, EDGE, dtype=np.float32)
        pixels = np.clip(base + ramp[:, None, None] * np.ones((1, EDGE, 1), np.float32), 0, 255).astype(np.uint8)
        picture = Image.fromarray(pixels).convert("RGBA")
        for name, style, x, y, size in things:
            image = drawing(work, name, style, round(size * EDGE))
            at = round(x * EDGE - image.width / 2), round(y * EDGE - image.height / 2)
            shadow = Image.new("RGBA", picture.size)
            dark = Image.new("RGBA", image.size, (0, 0, 0, 70))
            shadow.paste(dark, (at[0] + 4, at[1] + 10), image.getchannel("A").point(lambda v: v * 70 // 255))
            picture.alpha_composite(shadow.filter(ImageFilter.GaussianBlur(7)))
            picture.alpha_composite(image, at)
        picture.convert("RGB").quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(out / file, optimize=True)
        print(f"{out / file}: {(out / file).stat().st_size / 1000:.0f} kB")
