"""The model: a plain ViT, pixel shuffle and one matrix (SmolVLM's connector), a Llama decoder.

Shapes follow what GGUF's `idefics3` projector and `llama` architecture store, so that export is a copy.
B pictures, N patches a side squared, T tokens, C width.
"""
from dataclasses import dataclass, asdict
import math

import torch
from torch import nn
from torch.nn import functional as F


@dataclass
class Shape:
    """Everything that decides the shapes of the weights."""
    picture: int = 128
    patch: int = 16
    vision_width: int = 256
    vision_layers: int = 6
    vision_heads: int = 4
    vision_ffn: int = 1024
    shuffle: int = 2
    width: int = 256
    layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    ffn: int = 768
    rope_base: float = 10000.0
    context: int = 512
    vocabulary: int = 0

    @property
    def side(self):
        return self.picture // self.patch

    @property
    def picture_tokens(self):
        return (self.side // self.shuffle) ** 2

    def dictionary(self):
        return asdict(self)


def bits(module, x):
    """A linear layer in the type of its input: the stored weights stay float32, bfloat16 is what the product reads."""
    weight = module.weight.to(x.dtype)
    return F.linear(x, weight, None if module.bias is None else module.bias.to(x.dtype))


def layer_norm(module, x):
    """In float32: PyTorch's bfloat16 kernel is several times slower on a CPU."""
    return F.layer_norm(x.float(), module.normalized_shape, module.weight, module.bias, module.eps).to(x.dtype)


class VisionBlock(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        c = s.vision_width
        self.heads = s.vision_heads
        self.ln1 = nn.LayerNorm(c, eps=1e-6)
        self.ln2 = nn.LayerNorm(c, eps=1e-6)
        self.attn_q, self.attn_k, self.attn_v, self.attn_out = (nn.Linear(c, c) for _ in range(4))
        self.ffn_up, self.ffn_down = nn.Linear(c, s.vision_ffn), nn.Linear(s.vision_ffn, c)

    def forward(self, x):
        b, n, c = x.shape
        h = layer_norm(self.ln1, x)
        parts = self.attn_q, self.attn_k, self.attn_v  # one product for the three of them
        qkv = F.linear(h, torch.cat([m.weight for m in parts]).to(h.dtype), torch.cat([m.bias for m in parts]).to(h.dtype))
        q, k, v = qkv.view(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        a = torch.softmax(q @ k.transpose(-1, -2) * (c // self.heads) ** -0.5, -1) @ v
        x = x + bits(self.attn_out, a.transpose(1, 2).reshape(b, n, c))
        # The file says tanh-GELU; the exact one differs by less than 5e-4 and is ten times faster in PyTorch on a CPU.
        return x + bits(self.ffn_down, F.gelu(bits(self.ffn_up, layer_norm(self.ln2, x))))


class VisionEncoder(nn.Module):
    """[B, 3, S, S] in -1..1 -> [B, N, C]"""

    def __init__(self, s: Shape):
        super().__init__()
        self.shape = s
        c = s.vision_width
        self.patch_embd = nn.Linear(3 * s.patch * s.patch, c)
        self.position_embd = nn.Parameter(torch.randn(s.side * s.side, c) * 0.02)
        self.blk = nn.ModuleList(VisionBlock(s) for _ in range(s.vision_layers))
        self.post_ln = nn.LayerNorm(c, eps=1e-6)

    def forward(self, pictures, dtype=torch.float32):
        s = self.shape
        b, g, p = pictures.shape[0], s.side, s.patch
        patches = pictures.view(b, 3, g, p, g, p).permute(0, 2, 4, 1, 3, 5).reshape(b, g * g, 3 * p * p)
        x = bits(self.patch_embd, patches.to(dtype)) + self.position_embd.to(dtype)
        for block in self.blk:
            x = block(x)
        return layer_norm(self.post_ln, x)


def pixel_shuffle(x, s: Shape):
    """[B, side², C] -> [B, (side/r)², r²·C]; within a token rows come first, then columns, then channels."""
    b, _, c = x.shape
    r, g = s.shuffle, s.side // s.shuffle
    return x.view(b, g, r, g, r, c).permute(0, 1, 3, 2, 4, 5).reshape(b, g * g, r * r * c)


class RmsNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        y = x.float()
        return (y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + 1e-5) * self.weight).to(x.dtype)


def rotary(x, cos, sin):
    """Rotates neighbouring pairs, the order that GGUF's `llama` stores."""
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), -1).flatten(-2)


class DecoderBlock(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        self.heads, self.kv_heads, self.d = s.heads, s.kv_heads, s.width // s.heads
        kv = s.kv_heads * self.d
        self.attn_norm, self.ffn_norm = RmsNorm(s.width), RmsNorm(s.width)
        self.attn_q, self.attn_output = nn.Linear(s.width, s.width, bias=False), nn.Linear(s.width, s.width, bias=False)
        self.attn_k, self.attn_v = nn.Linear(s.width, kv, bias=False), nn.Linear(s.width, kv, bias=False)
        self.ffn_gate, self.ffn_up = nn.Linear(s.width, s.ffn, bias=False), nn.Linear(s.width, s.ffn, bias=False)
        self.ffn_down = nn.Linear(s.ffn, s.width, bias=False)

    def forward(self, x, cos, sin, mask):
        b, t, c = x.shape
        h = self.attn_norm(x)
        q = rotary(bits(self.attn_q, h).view(b, t, self.heads, self.d).transpose(1, 2), cos, sin)
        k = rotary(bits(self.attn_k, h).view(b, t, self.kv_heads, self.d).transpose(1, 2), cos, sin)
        v = bits(self.attn_v, h).view(b, t, self.kv_heads, self.d).transpose(1, 2)
        group = self.heads // self.kv_heads
        k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
        a = torch.softmax(q @ k.transpose(-1, -2) * self.d ** -0.5 + mask, -1) @ v
        x = x + bits(self.attn_output, a.transpose(1, 2).reshape(b, t, c))
        h = self.ffn_norm(x)
        return x + bits(self.ffn_down, F.silu(bits(self.ffn_gate, h)) * bits(self.ffn_up, h))


class Decoder(nn.Module):
    """Token embeddings [B, T, C] -> logits [B, T, V]; the output matrix is the embedding's."""

    def __init__(self, s: Shape):
        super().__init__()
        self.shape = s
        self.token_embd = nn.Embedding(s.vocabulary, s.width)
        self.blk = nn.ModuleList(DecoderBlock(s) for _ in range(s.layers))
        self.output_norm = RmsNorm(s.width)

    def hidden(self, x, positions, mask):
        """positions [B, T]; mask [B, 1, T, T], added to the scores."""
        d = self.shape.width // self.shape.heads
        rate = self.shape.rope_base ** (-torch.arange(0, d, 2, device=x.device).float() / d)
        angle = positions[:, None, :, None].float() * rate
        cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
        for block in self.blk:
            x = block(x, cos, sin, mask)
        return self.output_norm(x)

    def logits(self, hidden):
        return F.linear(hidden, self.token_embd.weight.to(hidden.dtype))


class DemoModel(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        self.shape = s
        self.vision = VisionEncoder(s)
        self.connector = nn.Linear(s.vision_width * s.shuffle ** 2, s.width, bias=False)
        self.text = Decoder(s)
        for name, p in self.named_parameters():
            if p.dim() == 2 and "embd" not in name:
                nn.init.normal_(p, std=p.shape[1] ** -0.5)
                if name.endswith(("attn_out.weight", "ffn_down.weight", "attn_output.weight")):
                    p.data *= 1 / math.sqrt(2 * (s.vision_layers if name.startswith("vision") else s.layers))
            elif name.endswith(".bias"):
                nn.init.zeros_(p)
        nn.init.normal_(self.text.token_embd.weight, std=0.05)

    def picture_embeddings(self, pictures, dtype=torch.float32):
        return bits(self.connector, pixel_shuffle(self.vision(pictures, dtype), self.shape))
