"""Second stage: connector and decoder learn to answer; the encoder is frozen at first and joins for the last part.

A sequence holds one picture and several questions. Each question sees the picture and itself only, as if it were asked alone; some
also see the question before them, as the next turn of a conversation.
"""
import json
import time

import numpy as np
import torch
from torch.nn import functional as F

from model import DemoModel, bits, pixel_shuffle
from optimizer import Optimizers
from questions import KINDS, ask, questions
from scenes import SEEN, UNSEEN, Scenes, Sprites
from vocabulary import END, FAKE, GLOBAL, IMAGE, START, Vocabulary, learn

LENGTH = 208


def make_vocabulary(work, seed=5):
    """Learns the tokens from questions and answers over fresh scenes, once."""
    path = work / "vocabulary.json"
    if not path.exists():
        scenes, random, texts = Scenes(Sprites(work / "sprites.npz"), 128), np.random.default_rng(seed), ["User:", "User: ", "\n\n", "\nAssistant: "]
        for _ in range(1500):
            for _, question, answer in questions(random, scenes.scene(random), 8):
                texts += [question, " " + question, " " + answer]
        learn(texts).save(path)
    return Vocabulary.load(path)


def prefix(vocabulary, shape, empty_line=True):
    """Tokens up to the question; llama.cpp puts an empty line before the picture, others do not."""
    line = vocabulary.encode("\n\n") if empty_line else []
    return [START, *vocabulary.encode("User:"), *line, FAKE, GLOBAL, *[IMAGE] * shape.picture_tokens, FAKE]


def spelled(random, question):
    """As people type it."""
    if random.random() < 0.1:
        question = question[0].lower() + question[1:]
    if random.random() < 0.1:
        question = question.rstrip("?.")
    return (" " if random.random() < 0.25 else "") + question


def sequence(vocabulary, shape, random, asked):
    """(tokens, segment, parent, position, is_answer): segment 0 is the picture's part; a token sees 0, its segment and its parent."""
    tokens = prefix(vocabulary, shape, random.random() < 0.7)
    segment, parent, position, answer = [0] * len(tokens), [0] * len(tokens), list(range(len(tokens))), [False] * len(tokens)
    start, last = len(tokens), None
    for i, (_, question, reply) in enumerate(asked):
        follows = last is not None and random.random() < 0.2
        head = vocabulary.encode("User: " + question) if follows else vocabulary.encode(spelled(random, question))
        head += [END, *vocabulary.encode("\nAssistant:")]
        tail = [*vocabulary.encode(" " + reply), END]
        part = head + tail + (vocabulary.encode("\n") if not follows else [])
        if len(tokens) + len(part) > LENGTH:
            break
        at = last[1] if follows else start
        tokens += part
        segment += [i + 1] * len(part)
        parent += [last[0] if follows else i + 1] * len(part)
        position += range(at, at + len(part))
        answer += [False] * len(head) + [True] * len(tail) + [False] * (len(part) - len(head) - len(tail))
        last = None if follows else (i + 1, at + len(part))
    return tokens, segment, parent, position, answer


def batch(scenes, vocabulary, random, shape, count, asked=8, easy=False):
    """Everything one step needs, as tensors; tokens [B, T], mask [B, 1, T, T]."""
    made = [scenes.scene(random, count=int(random.integers(1, 3)) if easy else None) for _ in range(count)]
    pixels = torch.from_numpy(np.stack([s.pixels for s in made])).permute(0, 3, 1, 2).float() / 127.5 - 1
    rows = [sequence(vocabulary, shape, random, questions(random, s, asked)) for s in made]
    length = max(len(r[0]) for r in rows)
    def padded(i, fill):
        return torch.tensor([list(r[i]) + [fill] * (length - len(r[i])) for r in rows])
    tokens, segment, parent, position, answer = padded(0, 0), padded(1, -1), padded(2, -1), padded(3, 0), padded(4, False)
    sees = (segment[:, None, :] == 0) | (segment[:, None, :] == segment[:, :, None]) | (segment[:, None, :] == parent[:, :, None])
    sees &= torch.ones(length, length).tril().bool()
    sees |= torch.eye(length).bool()
    mask = torch.zeros(sees.shape).masked_fill_(~sees, -1e4)[:, None]
    return pixels, tokens, mask, position, answer


def embeddings(model, tokens, pictures):
    """Token embeddings with the picture's own in their places."""
    x = F.embedding(tokens, model.text.token_embd.weight).to(pictures.dtype)
    where = (tokens == IMAGE)
    return x.masked_scatter(where[..., None], pictures)


def answer_loss(model, pixels, tokens, mask, position, answer, frozen):
    """Mean cross-entropy of the answers' tokens."""
    with torch.set_grad_enabled(not frozen):
        seen = model.vision(pixels, torch.bfloat16)
    x = embeddings(model, tokens, bits(model.connector, pixel_shuffle(seen, model.shape)))
    hidden = model.text.hidden(x, position, mask.to(x.dtype))
    logits = model.text.logits(hidden[:, :-1][answer[:, 1:]]).float()
    return F.cross_entropy(logits, tokens[:, 1:][answer[:, 1:]])


@torch.no_grad()
def answers(model, vocabulary, pixels, asked, limit=32):
    """Greedy answers in float32, one question each."""
    model.eval()
    device = model.connector.weight.device
    pictures = model.picture_embeddings(pixels.to(device))
    rows = [prefix(vocabulary, model.shape) + vocabulary.encode(q) + [END, *vocabulary.encode("\nAssistant:")] for q in asked]
    said = [[] for _ in rows]
    open_ = list(range(len(rows)))
    while open_ and len(said[open_[0]]) < limit:
        length = max(len(rows[i]) + len(said[i]) for i in open_)
        tokens = torch.tensor([rows[i] + said[i] + [0] * (length - len(rows[i]) - len(said[i])) for i in open_], device=device)
        mask = torch.full((length, length), -1e4, device=device).triu(1)[None, None]
        x = embeddings(model, tokens, pictures[open_])
        hidden = model.text.hidden(x, torch.arange(length, device=device)[None].expand(len(open_), -1), mask)
        last = torch.tensor([len(rows[i]) + len(said[i]) - 1 for i in open_])
        best = model.text.logits(hidden[torch.arange(len(open_), device=device), last.to(device)]).argmax(-1).tolist()
        for i, t in zip(open_, best):
            said[i].append(t)
        open_ = [i for i, t in zip(open_, best) if t != END]
    model.train()
    return [vocabulary.decode([t for t in s if t != END]).strip() for s in said]


def check(model, vocabulary, scenes, styles, per_kind=40, seed=4242):
    """Shares of exact answers per kind of question over fresh scenes."""
    random, made = np.random.default_rng(seed), []
    for kind in KINDS:
        found = 0
        while found < per_kind:
            scene = scenes.scene(random, styles=styles)
            q = ask(random, scene, kind)
            if q:
                made.append((scene, q))
                found += 1
    right = {k: 0 for k in KINDS}
    for at in range(0, len(made), 64):
        part = made[at:at + 64]
        pixels = torch.from_numpy(np.stack([s.pixels for s, _ in part])).permute(0, 3, 1, 2).float() / 127.5 - 1
        for (_, (kind, _, true)), said in zip(part, answers(model, vocabulary, pixels, [q[1] for _, q in part])):
            right[kind] += said == true
    result = {k: round(v / per_kind, 3) for k, v in right.items()}
    result["all"] = round(sum(right.values()) / len(made), 4)
    return result


def train_language(workers, work, shape, pictures, batch_size, joint=0.0, seed=2, device="cpu"):
    """Trains until `pictures` have been seen; the encoder joins for the last share `joint`. Goes on where language.pt stops."""
    torch.manual_seed(seed)
    vocabulary = make_vocabulary(work)
    shape.vocabulary = len(vocabulary.tokens)
    model = DemoModel(shape).to(device)
    scenes = Scenes(Sprites(work / "sprites.npz"), shape.picture, repeats=0.4)  # counting is what takes longest to learn
    fresh = Scenes(scenes.sprites, shape.picture)
    path, done, since = work / "language.pt", 0, time.time()
    optimizers = Optimizers([model.connector, model.text], rate=0.7)
    encoder = Optimizers([model.vision], rate=0.15)
    if path.exists():
        stored = torch.load(path, map_location=device)
        model.load_state_dict(stored["model"])
        optimizers.load(stored["optimizers"])
        done = stored["pictures"]
    else:
        model.vision.load_state_dict(torch.load(work / "encoder.pt", map_location=device)["vision"])
    random = np.random.default_rng([seed, workers.rank, done])
    log = open(work / "language.jsonl", "a") if workers.rank == 0 else None
    mean, step, shown = None, 0, done
    while done < pictures:
        frozen = done < pictures * (1 - joint)
        parts = batch(scenes, vocabulary, random, shape, batch_size // workers.count, easy=done < pictures * 0.05)
        loss = answer_loss(model, *(p.to(device) for p in parts), frozen)
        loss.backward()
        workers.share(optimizers.parameters + ([] if frozen else encoder.parameters))
        optimizers.step(done / pictures)
        if not frozen:
            encoder.step(done / pictures)
        done += batch_size
        step += 1
        mean = float(loss) if mean is None else 0.95 * mean + 0.05 * float(loss)
        if workers.rank == 0 and (step % 80 == 0 or done >= pictures):
            entry = dict(pictures=done, loss=round(mean, 5), rate=round((done - shown) / (time.time() - since), 1))
            shown, since = done, time.time()
            if step % 800 == 0 or done >= pictures:
                entry["seen"] = check(model, vocabulary, fresh, SEEN)
                entry["unseen"] = check(model, vocabulary, fresh, UNSEEN)["all"]
                part = path.with_suffix(".part")
                torch.save(dict(model=model.state_dict(), optimizers=optimizers.state(), pictures=done, shape=shape.dictionary()), part)
                part.replace(path)
            log.write(json.dumps(entry) + "\n")
            log.flush()
            print(json.dumps(entry), flush=True)
