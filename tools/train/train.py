#!/usr/bin/env python3
"""The recipe of the demo model: prepare, encoder, language, export, heldout, eval; README.md beside this file says more.

  python3 train.py --smoke --work ~/smoke          every step once, in miniature
  python3 train.py prepare --work work              and so on, step by step
"""
import argparse
import time
from pathlib import Path

import workers

if __name__ == "__main__":
    workers.with_environment()

from model import Shape  # noqa: E402

STEPS = ["prepare", "encoder", "language", "export", "heldout", "eval", "samples"]


def device(wanted):
    import torch
    return wanted or ("cuda" if torch.cuda.is_available() else "cpu")


def run(step, a):
    if step == "prepare":
        from prepare import prepare
        prepare(a.work, a.only)
    elif step == "encoder":
        from encoder_stage import train_encoder
        workers.run(train_encoder, (a.work, a.shape, a.pictures or 500_000, a.batch or 256, 1, a.device), a.processes)
    elif step == "language":
        from language_stage import train_language
        workers.run(train_language, (a.work, a.shape, a.pictures or 360_000, a.batch or 32, a.joint, 2, a.device), a.processes)
    elif step == "export":
        from export import export
        export(a.work, a.out or a.work)
    elif step == "heldout":
        from heldout import held_out
        held_out(a.work, (a.out or a.work) / "heldout.zip", a.shape.picture, *((8, 4) if a.smoke else ()))
    elif step == "eval":
        from heldout import evaluate
        evaluate(a.work, (a.out or a.work) / "heldout.zip")
    elif step == "compare":
        from heldout import compare
        compare(a.work, a.answers)
    elif step == "samples":
        from samples import samples
        samples(a.work, (a.out or a.work) / "samples")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", nargs="?", choices=[*STEPS, "compare"], help="one step; --smoke runs them all")
    parser.add_argument("--work", type=Path, default=Path("work"), help="folder for what is fetched and made (default: work)")
    parser.add_argument("--out", type=Path, help="folder for the GGUF files, the held-out set and the samples (default: the work folder)")
    parser.add_argument("--pictures", type=int, help="pictures of the whole stage; a later run with more goes on")
    parser.add_argument("--batch", type=int, help="pictures a step, all processes together")
    parser.add_argument("--joint", type=float, default=0.4, help="last share of the language stage in which the encoder is trained too")
    parser.add_argument("--processes", type=int, help="processes of one thread each (default: 2 on a CPU, 1 on a GPU)")
    parser.add_argument("--device", help="cpu or cuda (default: cuda where there is one)")
    parser.add_argument("--answers", type=Path, help="compare: what `tinymllm eval --exact --json` printed")
    parser.add_argument("--smoke", action="store_true", help="every step in miniature, to see that the recipe works")
    a = parser.parse_args()
    a.shape, a.only, a.device = Shape(), None, device(a.device)
    a.processes = a.processes or (2 if a.device == "cpu" else 1)
    if not a.smoke:
        if not a.step:
            parser.error("name a step, or --smoke")
        return run(a.step, a)
    a.shape = Shape(vision_layers=2, vision_ffn=512, layers=2, ffn=256)
    a.pictures, a.batch, a.only, a.joint = 512, 32, ["noto", "twemoji", "fluent-emoji-flat"], 0.25
    for step in STEPS:
        start = time.time()
        run(step, a)
        print(f"-- {step}: {time.time() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
