"""First stage: the encoder learns to say, for every patch, what it shows, of which colour it is, where its thing lies and whose middle it holds.

The heads that say so are thrown away afterwards. Without them a ViT of this size learns nothing but colours from questions alone.
"""
import json
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from model import DemoModel, Shape, bits
from optimizer import Optimizers
from scenes import NOTHING, SEEN, UNSEEN, Scenes, Sprites, patch_labels
from things import COLOR_NAMES

PIECE = 32  # pictures whose activations are held at once: what fits the caches

class Heads(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.classes = nn.Linear(width, NOTHING + len(COLOR_NAMES))
        self.colors = nn.Linear(width, len(COLOR_NAMES))
        self.boxes = nn.Linear(width, 4)                # to the middle (x, y), width, height
        self.middles = nn.Linear(width, NOTHING + 1)    # whose middle lies in this patch, if any: what counting needs


def batch(scenes, random, shape, count, styles=SEEN, easy=False):
    """Pictures in -1..1 and the labels of their patches, one array each."""
    made = [scenes.scene(random, styles=styles, count=int(random.integers(1, 3)) if easy else None) for _ in range(count)]
    pixels = torch.from_numpy(np.stack([s.pixels for s in made])).permute(0, 3, 1, 2).float() / 127.5 - 1
    labels = [torch.from_numpy(np.stack(part)) for part in zip(*(patch_labels(s, shape.patch) for s in made))]
    return pixels, labels


def losses(heads, x, labels):
    """x [B, N, C] -> classes, colours, boxes and middles, one mean each."""
    classes, colors, boxes, middles = labels
    flat = x.reshape(-1, x.shape[-1])
    of_class = F.cross_entropy(bits(heads.classes, flat).float(), classes.flatten(), label_smoothing=0.02)
    colored = (colors.flatten() >= 0).nonzero()[:, 0]
    of_color = F.cross_entropy(bits(heads.colors, flat[colored]).float(), colors.flatten()[colored]) if len(colored) else flat.sum() * 0
    on_thing = (classes.flatten() < NOTHING).nonzero()[:, 0]
    said, true = bits(heads.boxes, flat[on_thing]).float(), boxes.reshape(-1, 4)[on_thing]
    of_box = F.smooth_l1_loss(said * 0.25, true, beta=0.05)
    of_middle = F.cross_entropy(bits(heads.middles, flat).float(), middles.flatten())
    return of_class, of_color, of_box, of_middle


@torch.no_grad()
def check(model, heads, scenes, shape, styles, seed=777, count=256):
    """Shares of patches on things, of ground patches, of colours and of pictures with every middle named rightly; mean distance."""
    pixels, (classes, colors, boxes, middles) = batch(scenes, np.random.default_rng(seed), shape, count, styles)
    device = model.connector.weight.device
    x = torch.cat([model.vision(p.to(device), torch.bfloat16) for p in pixels.split(64)]).float()
    said, said_color, said_box = heads.classes(x).argmax(-1).cpu(), heads.colors(x).argmax(-1).cpu(), heads.boxes(x).cpu()
    thing = classes < NOTHING
    right = said == classes
    counted = (heads.middles(x).argmax(-1).cpu() == middles).all(-1)
    color = (said_color == colors)[colors >= 0]
    off = (said_box[..., :2] * 0.25 - boxes[..., :2]).abs()[thing].mean()
    return {k: round(float(v), 4) for k, v in dict(things=right[thing].float().mean(), ground=right[~thing].float().mean(),
            colors=color.float().mean(), counted=counted.float().mean(), off=off).items()}


def train_encoder(workers, work, shape, pictures, batch_size, seed=1, device="cpu"):
    """Trains until `pictures` have been seen; goes on where encoder.pt stops."""
    torch.manual_seed(seed)
    model, heads = DemoModel(shape).to(device), Heads(shape.vision_width).to(device)
    optimizers = Optimizers([model.vision, heads])
    scenes = Scenes(Sprites(work / "sprites.npz"), shape.picture)
    path, done, since = work / "encoder.pt", 0, time.time()
    if path.exists():
        stored = torch.load(path, map_location=device)
        model.vision.load_state_dict(stored["vision"])
        heads.load_state_dict(stored["heads"])
        optimizers.load(stored["optimizers"])
        done = stored["pictures"]
    random = np.random.default_rng([seed, workers.rank, done])
    log = open(work / "encoder.jsonl", "a") if workers.rank == 0 else None
    mean, step, shown = None, 0, done
    while done < pictures:
        pixels, labels = batch(scenes, random, shape, batch_size // workers.count, easy=done < pictures * 0.06)
        values, pieces = 0, -(-len(pixels) // PIECE)
        for at in range(0, len(pixels), PIECE):
            piece = [part[at:at + PIECE].to(device) for part in labels]
            parts = losses(heads, model.vision(pixels[at:at + PIECE].to(device), torch.bfloat16), piece)
            ((parts[0] + 0.3 * parts[1] + 4 * parts[2] + 3 * parts[3]) / pieces).backward()
            values = values + np.array([float(p) for p in parts]) / pieces
        workers.share(optimizers.parameters)
        optimizers.step(done / pictures)
        done += batch_size
        step += 1
        mean = values if mean is None else 0.95 * mean + 0.05 * values
        if workers.rank == 0 and (step % 10 == 0 or done >= pictures):
            entry = dict(pictures=done, classes=mean[0], colors=mean[1], boxes=mean[2], middles=mean[3],
                         rate=(done - shown) / (time.time() - since))
            shown, since = done, time.time()
            if step % 100 == 0 or done >= pictures:
                entry["seen"] = check(model, heads, scenes, shape, SEEN)
                entry["unseen"] = check(model, heads, scenes, shape, UNSEEN)
                part = path.with_suffix(".part")
                torch.save(dict(vision=model.vision.state_dict(), heads=heads.state_dict(), optimizers=optimizers.state(),
                                pictures=done, shape=shape.dictionary()), part)
                part.replace(path)
            line = json.dumps({k: round(v, 5) if isinstance(v, float) else v for k, v in entry.items()})
            log.write(line + "\n")
            log.flush()
            print(line, flush=True)
