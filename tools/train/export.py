"""Writes the two GGUF files in SmolVLM's layout: text model (`llama`) and picture encoder (`clip`, projector `idefics3`)."""
import torch

import gguf
from model import DemoModel, Shape
from vocabulary import END, SPECIAL, START, TEMPLATE, Vocabulary

LICENSE = "cc-by-sa-4.0"
SOURCES = ("Drawings in the training pictures: Noto Emoji (Google, Apache-2.0), Twemoji (Twitter and contributors, CC BY 4.0), "
           "OpenMoji (HfG Schwaebisch Gmuend, CC BY-SA 4.0), EmojiTwo (EmojiOne and contributors, CC BY 4.0)")


def load(work):
    """(model, vocabulary) as trained."""
    stored = torch.load(work / "language.pt", map_location="cpu")
    model = DemoModel(Shape(**stored["shape"]))
    model.load_state_dict(stored["model"])
    return model.eval(), Vocabulary.load(work / "vocabulary.json")


def common(name, description, kind):
    return {"general.name": name, "general.description": description, "general.license": LICENSE, "general.author": "TinyMllm",
            "general.source.url": "https://github.com/iconify/icon-sets", "general.attribution": SOURCES,
            "general.file_type": 7 if kind == "Q8_0" else 1}


def tensors(parameters, kind):
    """Vectors and positions stay F32, matrices get the type."""
    return [(name, p.detach().numpy(), "F32" if p.dim() == 1 or "position" in name else kind) for name, p in parameters]


def export_text(model, vocabulary, path, kind):
    s = model.shape
    meta = {"general.architecture": "llama", **common("TinyMllm demo", "Answers questions about drawn scenes of emoji", kind),
            "llama.context_length": s.context, "llama.embedding_length": s.width, "llama.block_count": s.layers,
            "llama.feed_forward_length": s.ffn, "llama.vocab_size": s.vocabulary, "llama.attention.head_count": s.heads,
            "llama.attention.head_count_kv": s.kv_heads, "llama.rope.dimension_count": s.width // s.heads,
            "llama.rope.freq_base": s.rope_base, "llama.attention.layer_norm_rms_epsilon": 1e-5,
            "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "smollm", "tokenizer.ggml.tokens": vocabulary.tokens,
            "tokenizer.ggml.token_type": [3] * len(SPECIAL) + [1] * (len(vocabulary.tokens) - len(SPECIAL)),
            "tokenizer.ggml.merges": [" ".join(m) for m in vocabulary.merges],
            "tokenizer.ggml.bos_token_id": START, "tokenizer.ggml.eos_token_id": END, "tokenizer.ggml.unknown_token_id": 0,
            "tokenizer.ggml.padding_token_id": 0, "tokenizer.ggml.add_bos_token": True, "tokenizer.ggml.add_space_prefix": False,
            "tokenizer.chat_template": TEMPLATE}
    gguf.write(path, meta, tensors(model.text.named_parameters(), kind))


def export_vision(model, path, kind):
    s = model.shape
    meta = {"general.architecture": "clip", **common("TinyMllm demo vision", "ViT and projector of the TinyMllm demo model", kind),
            "clip.has_vision_encoder": True, "clip.projector_type": "idefics3", "clip.use_gelu": True,
            "clip.vision.image_size": s.picture, "clip.vision.patch_size": s.patch, "clip.vision.embedding_length": s.vision_width,
            "clip.vision.feed_forward_length": s.vision_ffn, "clip.vision.block_count": s.vision_layers,
            "clip.vision.attention.head_count": s.vision_heads, "clip.vision.projection_dim": s.width,
            "clip.vision.projector.scale_factor": s.shuffle, "clip.vision.attention.layer_norm_epsilon": 1e-6,
            "clip.vision.image_mean": [0.5, 0.5, 0.5], "clip.vision.image_std": [0.5, 0.5, 0.5]}
    out = [("mm.model.fc.weight", model.connector.weight.detach().numpy(), kind)]
    for name, array, type_ in tensors(model.vision.named_parameters(), kind):
        if name == "patch_embd.weight":
            array, type_ = array.reshape(-1, 3, s.patch, s.patch), "F16"
        out.append(("v." + (name + ".weight" if name == "position_embd" else name), array, type_))
    gguf.write(path, meta, out)


def export(work, out):
    """demo-*.gguf and demo-mmproj-*.gguf in F16 and Q8_0."""
    out.mkdir(parents=True, exist_ok=True)
    model, vocabulary = load(work)
    for kind in ("F16", "Q8_0"):
        export_text(model, vocabulary, out / f"demo-{kind.lower()}.gguf", kind)
        export_vision(model, out / f"demo-mmproj-{kind.lower()}.gguf", kind)
    for path in sorted(out.glob("demo-*.gguf")):
        print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")
