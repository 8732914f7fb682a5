"""Questions about a scene and their answers. A question is only asked where its answer leaves no doubt."""
from things import COLOR_NAMES, COUNTS, ICONS, PLURAL_ONLY, SHAPES, a, plural

KINDS = ["what", "how many", "where", "which color", "yes/no", "compare", "describe", "read"]


def pick(random, options):
    return options[random.integers(len(options))]


def label(thing):
    """The thing as an answer names it: 'a cat', 'a red circle', 'the number 7', 'a sign that says STOP'."""
    if thing.is_sign:
        text = thing.name[5:]
        return f"the number {text}" if text.isdigit() else f"a sign that says {text}"
    return a(f"{thing.color} {thing.name}") if thing.color else a(thing.name)


def short(thing):
    """The thing as a question names it, without an article."""
    if thing.is_sign:
        return "number" if thing.name[5:].isdigit() else "sign"
    return thing.name


def many(name, count):
    return f"{COUNTS[count]} {name if count == 1 and name not in PLURAL_ONLY else plural(name)}"


def verb(name):
    return "are" if name in PLURAL_ONLY else "is"


def place(thing):
    """Where a thing lies, or None when it lies near a border between two answers."""
    def third(v):
        return 0 if v < 0.38 else 2 if v > 0.62 else 1 if 0.43 < v < 0.57 else None
    x, y = third(thing.x), third(thing.y)
    if x is None or y is None:
        return None
    row, column = ("top", "", "bottom")[y], ("left", "", "right")[x]
    if row and column:
        return f"at the {row} {column}"
    return f"at the {row}" if row else f"on the {column}" if column else "in the middle"


def unique(scene):
    """Things that are named without doubt: nothing else in the scene has the same name in a question."""
    names = [short(t) for t in scene.things]
    return [t for t in scene.things if names.count(short(t)) == 1]


def absent(random, scene):
    there = {short(t) for t in scene.things}
    return pick(random, [n for n in list(ICONS) + SHAPES if n not in there])


def what(random, scene):
    if len(scene.things) == 1:
        return pick(random, ["What is this?", "What is this?", "What is it?", "What is in the picture?", "What is shown?", "Name the object.",
                             "What do you see here?", "What is in this image?"]), label(scene.things[0])
    sides = []
    for side, key in (("on the left", lambda t: t.x), ("on the right", lambda t: 1 - t.x), ("at the top", lambda t: t.y),
                      ("at the bottom", lambda t: 1 - t.y)):
        order = sorted(scene.things, key=key)
        if key(order[0]) < 0.45 and key(order[1]) > 0.55:
            sides.append((f"What is {side}?", label(order[0])))
    if len(scene.things) == 2:
        one, other = scene.things
        if short(one) != short(other):
            for t, u in ((one, other), (other, one)):
                if abs(t.x - u.x) > 0.25 and abs(t.y - u.y) < 0.3:
                    sides.append((f"What is {'left' if t.x < u.x else 'right'} of the {short(u)}?", label(t)))
                if abs(t.y - u.y) > 0.25 and abs(t.x - u.x) < 0.3:
                    sides.append((f"What is {'above' if t.y < u.y else 'below'} the {short(u)}?", label(t)))
            sides.append((f"What is next to the {short(one)}?", label(other)))
    return pick(random, sides) if sides else None


def how_many(random, scene):
    if random.random() < 0.45:
        return pick(random, ["How many objects are there?", "How many things are there?", "How many things do you see?",
                             "How many objects are in the picture?", "Count the objects."]), COUNTS[len(scene.things)]
    names = [t.name for t in scene.things if not t.is_sign]
    repeated = [n for n in names if names.count(n) > 1]
    chance = random.random()
    name = pick(random, repeated) if repeated and chance < 0.7 else pick(random, names) if names and chance < 0.85 else absent(random, scene)
    count = names.count(name)
    return pick(random, [f"How many {plural(name)} are there?", f"How many {plural(name)} do you see?",
                         f"How many {plural(name)} are in the picture?"]), COUNTS[count] if count else "none"


def where(random, scene):
    candidates = [(t, place(t)) for t in unique(scene)]
    candidates = [(t, p) for t, p in candidates if p]
    if not candidates:
        return None
    thing, p = pick(random, candidates)
    name = short(thing)
    return pick(random, [f"Where {verb(name)} the {name}?", f"Where {verb(name)} the {name}?", f"In which part of the picture {verb(name)} the {name}?"]), p


def which_color(random, scene):
    colored = [t for t in unique(scene) if t.color]
    word = pick(random, ["color", "color", "colour"])
    if colored and random.random() < 0.6:
        thing = pick(random, colored)
        return pick(random, [f"What {word} is the {short(thing)}?", f"Which {word} is the {short(thing)}?",
                             f"What is the {word} of the {short(thing)}?"]), thing.color
    return pick(random, [f"What {word} is the background?", f"Which {word} is the background?", f"What is the {word} of the background?",
                         f"What is the background {word}?"]), scene.ground


def yes_no(random, scene):
    yes = random.random() < 0.5
    answer = "yes" if yes else "no"
    kind = random.random()
    if kind < 0.55:
        name = short(pick(random, scene.things)) if yes else absent(random, scene)
        if name in PLURAL_ONLY:
            return f"Are there {name}?" if random.random() < 0.5 else f"Do you see {name}?", answer
        return pick(random, [f"Is there {a(name)}?", f"Is there {a(name)} in the picture?", f"Do you see {a(name)}?", f"Can you see {a(name)}?"]), answer
    if kind < 0.7:
        color = scene.ground if yes else pick(random, [c for c in COLOR_NAMES if c != scene.ground])
        return f"Is the background {color}?", answer
    if kind < 0.88:
        options = [t for t in unique(scene) if abs(t.x - 0.5) > 0.1 or abs(t.y - 0.5) > 0.1]
        if not options:
            return None
        thing = pick(random, options)
        sides = []
        if abs(thing.x - 0.5) > 0.1:
            sides.append(("on the left", thing.x < 0.5))
            sides.append(("on the right", thing.x > 0.5))
        if abs(thing.y - 0.5) > 0.1:
            sides.append(("at the top", thing.y < 0.5))
            sides.append(("at the bottom", thing.y > 0.5))
        side, _ = pick(random, [s for s in sides if s[1] == yes])
        return f"{verb(short(thing)).capitalize()} the {short(thing)} {side}?", answer
    count = len(scene.things) if yes else pick(random, [n for n in range(1, 6) if n != len(scene.things)])
    return (f"Are there {COUNTS[count]} objects?" if count != 1 else "Is there only one object?"), answer


def compare(random, scene):
    things = unique(scene)
    options = []
    for t in things:
        for u in things:
            if t is u:
                continue
            x, y = short(t), short(u)
            if t.size > 1.3 * u.size or u.size > 1.3 * t.size:
                bigger = t if t.size > u.size else u
                smaller = u if bigger is t else t
                options += [(f"Which is bigger, the {x} or the {y}?", f"the {short(bigger)}"),
                            (f"Which is smaller, the {x} or the {y}?", f"the {short(smaller)}"),
                            (f"{verb(x).capitalize()} the {x} bigger than the {y}?", "yes" if bigger is t else "no"),
                            (f"{verb(x).capitalize()} the {x} smaller than the {y}?", "yes" if smaller is t else "no")]
            if abs(t.x - u.x) > 0.2:
                left, right = (t, u) if t.x < u.x else (u, t)
                options += [(f"Which is further left, the {x} or the {y}?", f"the {short(left)}"),
                            (f"{verb(x).capitalize()} the {x} left of the {y}?", "yes" if left is t else "no"),
                            (f"{verb(x).capitalize()} the {x} right of the {y}?", "yes" if right is t else "no")]
            if abs(t.y - u.y) > 0.2:
                upper = t if t.y < u.y else u
                options += [(f"Which is higher, the {x} or the {y}?", f"the {short(upper)}"),
                            (f"{verb(x).capitalize()} the {x} above the {y}?", "yes" if upper is t else "no"),
                            (f"{verb(x).capitalize()} the {x} below the {y}?", "no" if upper is t else "yes")]
    names = [t.name for t in scene.things if not t.is_sign]
    kinds = sorted(set(names))
    if len(kinds) > 1 and random.random() < 0.25:
        x, y = (kinds[i] for i in random.permutation(len(kinds))[:2])
        return f"Are there more {plural(x)} than {plural(y)}?", "yes" if names.count(x) > names.count(y) else "no"
    return pick(random, options) if options else None


def describe(random, scene):
    """From left to right, what is there more than once in one word."""
    order = sorted(scene.things, key=lambda t: t.x)
    if len(order) > 3 or any(v.x - u.x < 0.04 for u, v in zip(order, order[1:])):
        return None
    parts, said = [], set()
    for t in order:
        key = t.name if not t.color else label(t)
        if key in said:
            continue
        said.add(key)
        same = [u for u in order if (u.name if not u.color else label(u)) == key]
        parts.append(label(t) if len(same) == 1 else many(f"{t.color} {t.name}".strip(), len(same)))
    text = parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
    return pick(random, ["What do you see?", "Describe the picture.", "Describe this image.", "What is in the picture? Describe it.",
                         "What does the picture show?"]), f"{text} on {a(scene.ground)} background"


def read(random, scene):
    signs = [t for t in scene.things if t.is_sign]
    if not signs:
        return None
    text = signs[0].name[5:]
    if text.isdigit():
        return pick(random, ["What number is this?", "Which number do you see?", "Read the number.", "What number is written there?"]), text
    return pick(random, ["What does the sign say?", "What is written on the sign?", "Read the sign.", "What word is written there?"]), text


ASK = {"what": what, "how many": how_many, "where": where, "which color": which_color, "yes/no": yes_no, "compare": compare,
       "describe": describe, "read": read}
WEIGHTS = {"what": 1.2, "how many": 3.2, "where": 1.4, "which color": 0.5, "yes/no": 1.2, "compare": 1.8, "describe": 1.6, "read": 1.0}


def ask(random, scene, kind=None):
    """(kind, question, answer), the answer with its full stop; None when the scene has no such question."""
    if kind is None:
        names = list(WEIGHTS)
        total = sum(WEIGHTS.values())
        kind = names[random.choice(len(names), p=[w / total for w in WEIGHTS.values()])]
    found = ASK[kind](random, scene)
    return None if found is None else (kind, found[0], found[1] + ".")


def questions(random, scene, count):
    """`count` different questions about a scene (fewer only if there are none left to be had)."""
    found, asked = [], set()
    for _ in range(count * 6):
        q = ask(random, scene)
        if q and q[1] not in asked:
            asked.add(q[1])
            found.append(q)
            if len(found) == count:
                break
    return found
