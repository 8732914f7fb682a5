"""What the demo model knows: the things, signs, shapes and colours that scenes are made of."""

# Name that the model says -> name of the drawing in the icon sets.
ICONS = {
    "cat": "cat-face", "dog": "dog-face", "rabbit": "rabbit-face", "bear": "bear", "panda": "panda", "lion": "lion",
    "cow": "cow-face", "pig": "pig-face", "frog": "frog", "monkey": "monkey-face", "mouse": "mouse-face", "penguin": "penguin",
    "owl": "owl", "fish": "tropical-fish", "octopus": "octopus", "butterfly": "butterfly", "snail": "snail", "turtle": "turtle",
    "whale": "spouting-whale", "elephant": "elephant", "apple": "red-apple", "banana": "banana", "strawberry": "strawberry",
    "lemon": "lemon", "grapes": "grapes", "watermelon": "watermelon", "pineapple": "pineapple", "cherries": "cherries",
    "carrot": "carrot", "tomato": "tomato", "mushroom": "mushroom", "pizza": "pizza", "hamburger": "hamburger",
    "ice cream": "soft-ice-cream", "cake": "birthday-cake", "donut": "doughnut", "cookie": "cookie", "car": "automobile",
    "bus": "bus", "bicycle": "bicycle", "airplane": "airplane", "rocket": "rocket", "boat": "sailboat", "house": "house",
    "tree": "deciduous-tree", "flower": "tulip", "rose": "rose", "cactus": "cactus", "sun": "sun", "moon": "crescent-moon",
    "star": "star", "cloud": "cloud", "rainbow": "rainbow", "snowman": "snowman", "umbrella": "umbrella", "balloon": "balloon",
    "present": "wrapped-gift", "key": "key", "bell": "bell", "book": "closed-book", "clock": "alarm-clock", "guitar": "guitar",
    "ball": "soccer-ball", "camera": "camera", "heart": "red-heart", "crown": "crown", "hammer": "hammer", "scissors": "scissors",
}
PLURAL_ONLY = {"grapes", "cherries", "scissors"}
PLURALS = {"mouse": "mice", "snowman": "snowmen", "fish": "fish", "cherries": "cherries", "grapes": "grapes", "scissors": "scissors", "octopus": "octopuses",
           "butterfly": "butterflies", "strawberry": "strawberries", "tomato": "tomatoes", "bus": "buses"}

SHAPES = ["circle", "square", "triangle"]
WORDS = ["STOP", "GO", "OPEN", "EXIT", "HOT", "COLD", "SALE", "TAXI", "CAFE", "HELLO", "YES", "NO"]
NUMBERS = [str(n) for n in range(21)]

# Centre of each named colour; scenes stay near it, so that a name is never in doubt.
COLORS = {
    "red": (214, 40, 40), "orange": (245, 140, 30), "yellow": (250, 218, 60), "green": (70, 165, 75), "blue": (55, 110, 215),
    "purple": (135, 70, 175), "pink": (248, 165, 195), "brown": (125, 80, 50), "gray": (140, 142, 145), "black": (28, 28, 32),
    "white": (246, 246, 244),
}
COUNTS = ["no", "one", "two", "three", "four", "five", "six"]

STYLES = ["noto", "twemoji", "openmoji", "emojione"]
UNSEEN_STYLE = "fluent-emoji-flat"

CLASSES = list(ICONS) + SHAPES + ["sign " + text for text in WORDS + NUMBERS]
CLASS_INDEX = {name: i for i, name in enumerate(CLASSES)}
COLOR_NAMES = list(COLORS)


def plural(name):
    """The plural of a thing's name."""
    return PLURALS.get(name, name + "s")


def a(name):
    """A thing with its article."""
    if name in PLURAL_ONLY:
        return name
    return ("an " if name[0] in "aeiou" else "a ") + name
