"""Draws scenes: one to four things on a coloured ground, and says exactly what is where."""
import math
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from PIL import Image

from things import CLASS_INDEX, COLOR_NAMES, COLORS, ICONS, NUMBERS, SHAPES, WORDS

NOTHING = len(CLASS_INDEX)  # class of a patch that shows the ground


@dataclass
class Thing:
    name: str          # "cat", "circle", "sign STOP"
    style: str
    color: str         # of shapes and signs, else ""
    x: float           # centre, as a share of the picture
    y: float
    width: float       # as a share of the picture
    height: float

    @property
    def size(self):
        return max(self.width, self.height)

    @property
    def is_sign(self):
        return self.name.startswith("sign ")


@dataclass
class Scene:
    ground: str
    things: list = field(default_factory=list)
    pixels: np.ndarray = None      # [S, S, 3] bytes
    owners: np.ndarray = None      # [S, S] 0 = ground, i + 1 = things[i]


class Sprites:
    """All drawings, scaled, turned and mirrored on demand; results are kept."""

    def __init__(self, path):
        with np.load(path) as stored:
            self.entries = [tuple(e) for e in stored["entries"]]
            self.images = [Image.fromarray(stored[f"s{i}"]) for i in range(len(self.entries))]
        self.by_name = {}
        for i, (name, style, color) in enumerate(self.entries):
            self.by_name.setdefault((name, style), []).append(i)
        self.levels = {}
        self.scaled = lru_cache(maxsize=12000)(self._scaled)

    def choose(self, random, name, styles, ground):
        """A drawing of a thing in one of the styles, not of the ground's colour: a red card on a red ground has no edge."""
        found = [i for s in styles for i in self.by_name.get((name, s), [])] or self.by_name[name, "seen"]
        found = [i for i in found if self.entries[i][2] != ground]
        return found[random.integers(len(found))]

    def level(self, index, edge):
        """The drawing, premultiplied, at the smallest power-of-two reduction that still has `edge` pixels."""
        reduction = 1
        while max(self.images[index].size) // (reduction * 2) >= edge:
            reduction *= 2
        if (index, reduction) not in self.levels:
            image = self.images[index].convert("RGBa")  # premultiplied, so that edges do not bleed
            self.levels[index, reduction] = image.reduce(reduction) if reduction > 1 else image
        return self.levels[index, reduction]

    def _scaled(self, index, edge, turn, mirror):
        """(colour times alpha [h, w, 3] float32, alpha [h, w, 1] float32), longest edge about `edge` pixels before the turn."""
        image = self.level(index, edge)
        scale = max(image.size) / edge
        cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        w, h = image.size
        width = math.ceil((abs(cos) * w + abs(sin) * h) / scale)
        height = math.ceil((abs(sin) * w + abs(cos) * h) / scale)
        m = -scale if mirror else scale
        a, b, c, d = cos * m, -sin * m, sin * scale, cos * scale
        matrix = (a, b, w / 2 - a * width / 2 - b * height / 2, c, d, h / 2 - c * width / 2 - d * height / 2)
        # RGBA in name only: transform() refuses "RGBa", and the numbers stay premultiplied either way.
        raw = Image.frombuffer("RGBA", image.size, image.tobytes(), "raw", "RGBA", 0, 1)
        array = np.asarray(raw.transform((width, height), Image.AFFINE, matrix, Image.BILINEAR), np.float32)
        return np.ascontiguousarray(array[..., :3]), np.ascontiguousarray(array[..., 3:] / 255)


SEEN = ["noto", "twemoji", "openmoji", "emojione", "seen"]
UNSEEN = ["fluent-emoji-flat", "unseen"]


class Scenes:
    """Makes scenes of `size` pixels; sizes of things in steps, so that scaled sprites can be kept."""

    SIZES = {1: (0.42, 0.82), 2: (0.33, 0.5), 3: (0.3, 0.42), 4: (0.3, 0.38), 5: (0.27, 0.33)}
    STEPS = 12

    def __init__(self, sprites, size, repeats=0.22):
        """`repeats`: how often a thing is one that is there already."""
        self.sprites, self.size, self.repeats = sprites, size, repeats

    def ground(self, random, color):
        """Plain, or graded from a lighter to a darker tone of the same colour."""
        s = self.size
        base = (np.array(COLORS[color]) + random.normal(0, 5, 3)).astype(np.float32)
        if random.random() < 0.4:
            return np.broadcast_to(base, (s, s, 3)).copy()
        angle = random.random() * 2 * np.pi
        ramp = np.linspace(-0.5, 0.5, s, dtype=np.float32)
        slope = (np.cos(angle) * ramp[None, :] + np.sin(angle) * ramp[:, None]).astype(np.float32)
        return base + slope[..., None] * np.float32(random.uniform(10, 38))

    def names(self, random, count):
        """Names of the things of one scene: some are there more than once."""
        names = []
        while len(names) < count:
            if names and random.random() < self.repeats:
                repeat = names[random.integers(len(names))]
                if not repeat.startswith("sign "):
                    names.append(repeat)
                    continue
            kind = random.random()
            if kind < 0.76:
                name = list(ICONS)[random.integers(len(ICONS))]
            elif kind < 0.88:
                name = SHAPES[random.integers(len(SHAPES))]
            else:
                texts = WORDS if random.random() < 0.4 else NUMBERS
                name = "sign " + texts[random.integers(len(texts))]
            if not (name.startswith("sign ") and any(n.startswith("sign ") for n in names)):
                names.append(name)
        return names

    def scene(self, random, count=None, styles=SEEN, ground=None, names=None):
        """One scene; a thing that finds no place is left out."""
        s = self.size
        count = count or int(random.choice([1, 2, 3, 4, 5], p=[0.3, 0.32, 0.2, 0.13, 0.05]))
        names = names or self.names(random, count)
        scene = Scene(ground or COLOR_NAMES[random.integers(len(COLOR_NAMES))])
        pixels, owners = self.ground(random, scene.ground), np.zeros((s, s), np.uint8)
        boxes = []
        for name in names:
            index = self.sprites.choose(random, name, styles, scene.ground)
            _, style, color = self.sprites.entries[index]
            low, high = self.SIZES[len(names)]
            sign = name.startswith("sign ")
            if sign:
                low, high = low * 1.1, high * 1.15
            step = random.integers(self.STEPS)
            edge = round(s * (low + (high - low) * step / (self.STEPS - 1)))
            turn = 0 if random.random() < 0.4 else int(random.integers(-2, 3)) * (4 if sign else 7)
            flip = not sign and random.random() < 0.5
            color_part, alpha = self.sprites.scaled(index, edge, turn, flip)
            h, w = alpha.shape[:2]
            for _ in range(40):
                x, y = int(random.integers(1, max(2, s - w))), int(random.integers(1, max(2, s - h)))
                if x + w > s or y + h > s:
                    continue
                if all(x >= bx + bw - 1 or bx >= x + w - 1 or y >= by + bh - 1 or by >= y + h - 1 for bx, by, bw, bh in boxes):
                    break
            else:
                continue
            boxes.append((x, y, w, h))
            gain = 1 if sign else random.uniform(0.88, 1.08, 3).astype(np.float32)
            view = pixels[y:y + h, x:x + w]
            view *= 1 - alpha
            view += color_part * gain
            scene.things.append(Thing(name, style, color, (x + w / 2) / s, (y + h / 2) / s, w / s, h / s))
            owners[y:y + h, x:x + w][alpha[..., 0] > 0.4] = len(scene.things)
        if not scene.things:
            return self.scene(random, count, styles, ground, names)
        grain = random.uniform(0, 5)
        if grain > 1:
            pixels += random.standard_normal((s, s, 1), dtype=np.float32) * grain
        scene.pixels = np.clip(pixels, 0, 255).astype(np.uint8)
        scene.owners = owners
        return scene


def patch_labels(scene, patch):
    """What each patch shows, for the encoder's helper heads.

    Returns classes [N] (NOTHING + ground colour for ground), colours [N] (-1 = not asked), boxes [N, 4]: from the patch's
    middle to the thing's, in shares of the picture, and its width and height (0 for ground), and middles [N]: the class of the
    thing whose middle lies in the patch, else NOTHING, so that counting things is counting patches.
    """
    s = scene.owners.shape[0]
    g, step = s // patch, patch // 4
    samples = scene.owners[step // 2::step, step // 2::step].reshape(g, 4, g, 4).transpose(0, 2, 1, 3).reshape(g * g, 16)
    counts = np.stack([(samples == i + 1).sum(1) for i in range(len(scene.things))], 1) if scene.things else np.zeros((g * g, 1))
    best = counts.argmax(1)
    owner = np.where(counts.max(1) >= 5, best, -1)
    classes = np.full(g * g, NOTHING + COLOR_NAMES.index(scene.ground), np.int64)
    colors = np.full(g * g, -1, np.int64)
    boxes = np.zeros((g * g, 4), np.float32)
    middles = np.full(g * g, NOTHING, np.int64)
    middle = (np.arange(g) + 0.5) / g
    px, py = np.tile(middle, g), np.repeat(middle, g)
    for i, thing in enumerate(scene.things):
        where = owner == i
        classes[where] = CLASS_INDEX[thing.name]
        if thing.color:
            colors[where] = COLOR_NAMES.index(thing.color)
        boxes[where] = np.stack([thing.x - px[where], thing.y - py[where], np.full(where.sum(), thing.width),
                                 np.full(where.sum(), thing.height)], 1)
        middles[min(int(thing.y * g), g - 1) * g + min(int(thing.x * g), g - 1)] = CLASS_INDEX[thing.name]
    return classes, colors, boxes, middles
