"""The held-out set: fresh scenes from seeds that training never uses, as one zip of pictures and questions."""
import io
import json
import zipfile

import numpy as np
from PIL import Image

from questions import KINDS, ask
from scenes import SEEN, UNSEEN, Scenes, Sprites

EPOCH = (2026, 1, 1, 0, 0, 0)


def pairs(scenes, styles, per_kind, seed):
    """`per_kind` pairs of every kind; a scene gives up to four of different kinds, the rarer ones first."""
    random, missing, made = np.random.default_rng(seed), dict.fromkeys(KINDS, per_kind), []
    while any(missing.values()):
        scene, asked = scenes.scene(random, styles=styles), []
        for kind in sorted(missing, key=lambda k: -missing[k]):
            if missing[kind] and len(asked) < 4:
                q = ask(random, scene, kind)
                if q:
                    asked.append(q)
                    missing[kind] -= 1
        if asked:
            made.append((scene, asked))
    return made


def held_out(work, path, size, per_kind=150, per_kind_unseen=50):
    """Writes the zip: NNNN.jpg and questions.jsonl ({"image", "question", "answer", "kind", "part"})."""
    scenes, lines = Scenes(Sprites(work / "sprites.npz"), size), []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        number = 0
        for style, styles, count, seed in (("seen styles", SEEN, per_kind, 990001), ("unseen style", UNSEEN, per_kind_unseen, 990002)):
            for scene, asked in pairs(scenes, styles, count, seed):
                name, raw = f"{number:04}.jpg", io.BytesIO()
                Image.fromarray(scene.pixels).save(raw, "JPEG", quality=92, subsampling=0)
                out.writestr(zipfile.ZipInfo(name, EPOCH), raw.getvalue())
                lines += [json.dumps(dict(image=name, question=q, answer=a, kind=k, part=style)) for k, q, a in asked]
                number += 1
        info = zipfile.ZipInfo("questions.jsonl", EPOCH)
        info.compress_type = zipfile.ZIP_DEFLATED
        out.writestr(info, "\n".join(lines) + "\n")
    print(f"{len(lines)} questions about {number} pictures in {path} ({path.stat().st_size / 1e6:.1f} MB)")


def evaluate(work, path):
    """The trainer's own greedy answers over the zip, per style and kind: what the engine's figures are held against."""
    import torch

    from export import load
    from language_stage import answers
    torch.set_num_threads(2)
    model, vocabulary = load(work)
    for name, p in model.named_parameters():  # as the F16 files hold them
        if p.dim() == 2 and "position" not in name:
            p.data = p.data.half().float()
    right, all_, answered = {}, {}, []
    with zipfile.ZipFile(path) as stored, torch.no_grad():
        rows = [json.loads(line) for line in stored.read("questions.jsonl").decode().splitlines()]
        for at in range(0, len(rows), 64):
            part = rows[at:at + 64]
            pixels = np.stack([np.asarray(Image.open(io.BytesIO(stored.read(r["image"])))) for r in part])
            said = answers(model, vocabulary, torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1, [r["question"] for r in part])
            for row, answer in zip(part, said):
                answered.append(dict(row, said=answer))
                for key in ((row["part"], row["kind"]), (row["part"], "all")):
                    all_[key] = all_.get(key, 0) + 1
                    right[key] = right.get(key, 0) + (answer == row["answer"])
    (work / "answers.json").write_text(json.dumps(answered, indent=0))
    for key in sorted(all_):
        print(f"{key[0]:13} {key[1]:12} {right[key]:5} / {all_[key]:5} = {right[key] / all_[key]:.3f}")


def compare(work, engine):
    """Fails unless the engine's answers (float32, the F16 files) are the trainer's own in at least 95 of 100 cases.

    Two sums of float32 in another order may tip a close decision, and in miniature, hardly trained, most are close; a mistake in the
    export or in the engine leaves next to nothing the same.
    """
    ours, theirs = json.loads((work / "answers.json").read_text()), json.loads(engine.read_text())["answers"]
    same = sum(o["said"] == t["answer"].strip() for o, t in zip(ours, theirs, strict=True))
    print(f"{same} of {len(ours)} answers are the same")
    for o, t in [(o, t) for o, t in zip(ours, theirs) if o["said"] != t["answer"].strip()][:5]:
        print(f"{o['question']} trainer: {o['said']!r} engine: {t['answer']!r}")
    if same < 0.95 * len(ours):
        raise SystemExit(1)
