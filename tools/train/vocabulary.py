"""The tokenizer: byte-level BPE with SmolLM's pre-tokenizer (digits one by one, then GPT-2's pattern), learnt from the questions."""
import json
import re

SPECIAL = ["<|endoftext|>", "<|im_start|>", "<end_of_utterance>", "<fake_token_around_image>", "<global-img>", "<image>"]
START, END, FAKE, GLOBAL, IMAGE = 1, 2, 3, 4, 5
SPLIT = re.compile(r"[0-9]|'(?:s|t|re|ve|m|ll|d)| ?[A-Za-z]+| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+")

TEMPLATE = ("<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}{% if message['content'][0]['type'] == 'image' %}"
            "{{ ':' }}{% else %}{{ ': ' }}{% endif %}{% for line in message['content'] %}{% if line['type'] == 'text' %}{{ line['text'] }}"
            "{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
            "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}")


def byte_letters():
    """GPT-2's printable letter for every byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters, spare = {}, 256
    for b in range(256):
        letters[b] = chr(b) if b in plain else chr(spare)
        spare += b not in plain
    return letters


LETTERS = byte_letters()


class Vocabulary:
    def __init__(self, tokens, merges):
        self.tokens, self.merges = tokens, merges
        self.ids = {t: i for i, t in enumerate(tokens)}
        self.ranks = {tuple(m): i for i, m in enumerate(merges)}
        self.known = {}

    def word(self, piece):
        """Ids of one piece of the pre-tokenizer."""
        if piece not in self.known:
            parts = [LETTERS[b] for b in piece.encode()]
            while len(parts) > 1:
                rank, i = min((self.ranks.get(pair, 1 << 30), i) for i, pair in enumerate(zip(parts, parts[1:])))
                if rank == 1 << 30:
                    break
                parts[i:i + 2] = [parts[i] + parts[i + 1]]
            self.known[piece] = [self.ids[p] for p in parts]
        return self.known[piece]

    def encode(self, text):
        return [i for piece in SPLIT.findall(text) for i in self.word(piece)]

    def decode(self, ids):
        back = {v: k for k, v in LETTERS.items()}
        return bytes(back[c] for i in ids if i >= len(SPECIAL) for c in self.tokens[i]).decode(errors="replace")

    def save(self, path):
        path.write_text(json.dumps(dict(tokens=self.tokens, merges=self.merges)))

    @staticmethod
    def load(path):
        stored = json.loads(path.read_text())
        return Vocabulary(stored["tokens"], stored["merges"])


def learn(texts):
    """Merges the commonest pair until every word of the texts is one token."""
    words = {}
    for text in texts:
        for piece in SPLIT.findall(text):
            words[piece] = words.get(piece, 0) + 1
    parts = {w: [LETTERS[b] for b in w.encode()] for w in words}
    merges = []
    while True:
        pairs = {}
        for w, p in parts.items():
            for pair in zip(p, p[1:]):
                pairs[pair] = pairs.get(pair, 0) + words[w] ** 0.5
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(list(best))
        for w, p in parts.items():
            i = 0
            while i < len(p) - 1:
                if (p[i], p[i + 1]) == best:
                    p[i:i + 2] = [p[i] + p[i + 1]]
                i += 1
    tokens = SPECIAL + [LETTERS[b] for b in range(256)]
    for left, right in merges:
        if left + right not in tokens:
            tokens.append(left + right)
    return Vocabulary(tokens, merges)
