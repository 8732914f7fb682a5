"""Writes GGUF version 3: metadata, then tensors as F32, F16 or Q8_0."""
import struct

import numpy as np

ALIGNMENT = 32
TYPES = {"F32": 0, "F16": 1, "Q8_0": 8}


def text(value):
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def value(v):
    """Type and bytes of one metadata value; lists are of strings, integers or floats."""
    if isinstance(v, bool):
        return struct.pack("<I?", 7, v)
    if isinstance(v, int):
        return struct.pack("<II", 4, v)
    if isinstance(v, float):
        return struct.pack("<If", 6, v)
    if isinstance(v, str):
        return struct.pack("<I", 8) + text(v)
    first = v[0]
    kind, items = (8, b"".join(map(text, v))) if isinstance(first, str) else (
        (6, np.array(v, "<f4").tobytes()) if isinstance(first, float) else (5, np.array(v, "<i4").tobytes()))
    return struct.pack("<IIQ", 9, kind, len(v)) + items


def encode(array, kind):
    a = np.ascontiguousarray(array, np.float32)
    if kind == "F32":
        return a.astype("<f4").tobytes()
    if kind == "F16":
        return a.astype("<f2").tobytes()
    blocks = a.reshape(-1, 32)
    scale = np.abs(blocks).max(1, keepdims=True) / 127
    codes = np.rint(blocks * np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)).astype(np.int8)
    return np.concatenate([scale.astype("<f2").view(np.uint8), codes.view(np.uint8)], 1).tobytes()


def write(path, metadata, tensors):
    """tensors: (name, array with the fastest dimension last, type)."""
    head = struct.pack("<IIQQ", 0x46554747, 3, len(tensors), len(metadata))
    head += b"".join(text(k) + value(v) for k, v in metadata.items())
    data = []
    offset = 0
    for name, array, kind in tensors:
        raw = encode(array, kind)
        head += text(name) + struct.pack("<I", array.ndim) + struct.pack(f"<{array.ndim}Q", *reversed(array.shape))
        head += struct.pack("<IQ", TYPES[kind], offset)
        raw += bytes(-len(raw) % ALIGNMENT)
        data.append(raw)
        offset += len(raw)
    head += bytes(-len(head) % ALIGNMENT)
    path.write_bytes(head + b"".join(data))
