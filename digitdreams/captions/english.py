"""English words and templates."""

from digitdreams.captions.vocabulary import Templates, Vocabulary, Words, arithmetic

NUMBERS = (
    *("zero", "one", "two", "three", "four"),
    *("five", "six", "seven", "eight", "nine"),
)

THICKNESS = {
    "thick": (
        ("thin", "fine", "slim"),
        ("medium", "medium-thick", "medium-weight"),
        ("thick", "bold", "fat", "heavy"),
    ),
    "strokes": (
        ("thin strokes", "fine lines", "thin lines"),
        ("medium strokes", "strokes of medium width", "lines of medium thickness"),
        ("thick strokes", "heavy lines", "bold strokes", "broad strokes"),
    ),
    "pen": (
        ("a fine pen", "a thin pen", "a fine-tipped pen"),
        ("a medium pen", "a pen of medium width"),
        ("a broad pen", "a thick pen", "a thick brush", "a broad marker"),
    ),
}
SLANT = {
    "lean": (
        ("left-leaning", "left-slanting"),
        ("upright", "vertical"),
        ("right-leaning", "right-slanting"),
    ),
    "leaning": (
        ("leaning left", "leaning to the left", "tilted to the left", "slanting left"),
        ("standing upright", "standing straight", "not leaning"),
        (
            *("leaning right", "leaning to the right", "tilted to the right"),
            "slanting right",
        ),
    ),
    "leans": (
        ("leans left", "leans to the left", "tilts to the left", "slants left"),
        ("stands upright", "stands straight", "does not lean"),
        ("leans right", "leans to the right", "tilts to the right", "slants right"),
    ),
    "tilt": (
        ("tilt it to the left", "let it lean left", "slant it to the left"),
        ("keep it upright", "keep it straight", "do not tilt it"),
        ("tilt it to the right", "let it lean right", "slant it to the right"),
    ),
}

TRAIN = Templates(
    phrases=(
        "a {digit}",
        "the digit {digit}",
        "a handwritten {digit}",
        "the number {digit}",
        "a {thick} {digit}",
        "a {digit} in {strokes}",
        "a {digit} drawn with {pen}",
        "the digit {digit} in {strokes}",
        "a {thick} handwritten {digit}",
        "the number {digit}, drawn with {pen}",
        "a {lean} {digit}",
        "a {digit} {leaning}",
        "a {digit} that {leans}",
        "the digit {digit}, {leaning}",
        "a handwritten {digit} that {leans}",
        "the number {digit}, {leaning}",
        "a {thick} {digit} {leaning}",
        "a {thick}, {lean} {digit}",
        "a {lean} {digit} in {strokes}",
        "a {thick} {digit} that {leans}",
        "a {digit} in {strokes}, {leaning}",
        "a {digit} {leaning}, drawn with {pen}",
        "a {lean} {digit} drawn with {pen}",
        "the digit {digit}, {thick} and {lean}",
        "a {digit} that {leans}, in {strokes}",
        "a {thick} and {lean} {digit}",
        "the number {digit} in {strokes}, {leaning}",
    ),
    captions=("{x}", "this is {x}"),
    tags=("{digit}, {thick}, {lean}", "{digit}, {thick}", "{digit}, {lean}"),
    requests=(
        "draw {x}",
        "Draw {x}.",
        "Please draw {x}.",
        "Write {x}, please.",
        "I would like {x}.",
        "I need {x}.",
        "Can you draw {x}?",
        "Could you write {x} for me?",
        "Show me {x}.",
        "Give me {x}.",
        "A picture of {x}.",
        "Paint {x} on white paper.",
    ),
    sentences=(
        "Write the digit {digit} with {pen} and {tilt}.",
        "Take {pen} and draw a {digit} that {leans}.",
        "Draw a {digit}, {tilt}, and use {strokes}.",
        "The strokes should be {thick}, the digit is {digit}, and it {leans}.",
        "Digit: {digit}. Thickness: {thick}. Slant: {lean}.",
        "Take {pen} and write a {digit}.",
        "Draw a {digit} and use {strokes}.",
        "Draw a {digit} and {tilt}.",
        "Write the digit {digit}, but {tilt}.",
    ),
    distractors=(
        "I have {n} pencils and {m} sheets of paper; draw {x}.",
        "It is {n} o'clock. Please draw {x}.",
        "My sister, who is {n} years old, asked for {x}.",
        "There were {n} squirrels and {m} owls in the tree, and still I want {x}.",
        "My class begins in {n} minutes, and I need {x}.",
        "Forget the {other} and draw {x}.",
        "Not a {other}, but {x}.",
        "After {n} attempts I would like to see {x}.",
    ),
    distracting=(
        "a {digit} that is {thick}, not {unthick}",
        "Draw a {digit} that is {lean}, not {unlean}.",
        "a {digit} that is {thick}, not {unthick}, and {leans}",
        "Draw a {thick} {digit}, {lean} and not {unlean}.",
    ),
    riddles=(
        "Draw {riddle}.",
        "What is {riddle}? Draw it.",
        "Please write {riddle} as a digit.",
        "Draw {riddle} with {pen}.",
        "What is {riddle}? Write it in {strokes}.",
        "Write {riddle} so that it {leans}.",
        "What is {riddle}? Draw it and {tilt}.",
        "Draw {riddle} in {strokes}, {leaning}.",
        "What is {riddle}? Draw it with {pen} and {tilt}.",
        "Take {riddle}, make it {thick}, and {tilt}.",
        "Please write {riddle}, {thick} and {lean}.",
    ),
)
UNSEEN = Templates(
    phrases=(
        "a {digit} written by hand",
        "the figure {digit}",
        "a {digit} made of {strokes}",
        "the {thick} figure {digit}",
        "a {digit} which {leans}",
        "the {lean} figure {digit}",
        "a {digit} which {leans}, made of {strokes}",
        "a {lean}, {thick} {digit}",
        "the {thick} figure {digit}, {leaning}",
        "a {digit} which {leans}, made with {pen}",
        "a {thick} {digit}, written by hand and {leaning}",
    ),
    captions=("here is {x}", "the image shows {x}"),
    tags=("{lean}, {thick}, {digit}", "{thick}, {digit}", "{lean}, {digit}"),
    requests=(
        "Would you make me {x}?",
        "Let me see {x}.",
        "Generate an image that shows {x}.",
        "My wish is {x}.",
        "Put {x} on the page.",
        "What I want is {x}.",
    ),
    sentences=(
        "Use {pen}, {tilt}, and write a {digit}.",
        "It should be a {digit}, it {leans}, and its strokes are {thick}.",
        "Pick {pen}. The digit is {digit}. Now {tilt}.",
        "Use {pen} for a {digit}.",
        "Make it a {digit}, and {tilt}.",
    ),
    distractors=(
        "We bought {n} apples and {m} pears, then someone drew {x}.",
        "No {other} this time: {x}, please.",
        "On page {n}, in line {m}, there is room for {x}.",
        "The train leaves from platform {n}; meanwhile, sketch {x}.",
    ),
    distracting=(
        "Anything but a {other}: make it a {digit}.",
        "rather {thick} than {unthick}, the figure {digit}",
        "rather {lean} than {unlean}, the figure {digit}",
        "The figure {digit}, rather {thick} than {unthick}, which {leans}.",
    ),
    riddles=(
        "Let me see {riddle}.",
        "In {strokes}, please: {riddle}.",
        "Work out {riddle}, put it on the page and {tilt}.",
        "Work out {riddle} and put it on the page with {pen}; {tilt}.",
        "I want to see {riddle} in {strokes}, {leaning}.",
    ),
)

# What the digit is described by: facts, letters of a word, birds among animals.
FACTS = {
    0: ("the number of legs of a snake", "the number of corners of a circle"),
    1: ("the number of horns of a unicorn", "the number of trunks of an elephant"),
    2: ("the number of wheels of a bicycle", "the number of wings of a bird"),
    3: ("the number of wheels of a tricycle", "the number of leaves of a clover"),
    4: ("the number of legs of a dog", "the number of seasons in a year"),
    5: ("the number of toes of a foot", "the number of arms of a starfish"),
    6: ("the number of legs of an ant", "the number of faces of a cube"),
    7: ("the number of colours of the rainbow", "the number of ancient wonders"),
    8: ("the number of corners of a cube", "the number of bits in a byte"),
    9: ("the number of lives of a cat", "the number of players in a baseball team"),
}
WORDS = {
    "train": "ox cat sun tree bird horse apple garden window evening picture "
    "elephant notebook crocodile vegetable",
    "unseen": "we dog fish house summer kitchen mountain chocolate",
}
FORMS: dict[str, dict[str, Words]] = {
    "train": {
        "after": ("the number after {a}", "one more than {a}"),
        "before": ("the number before {a}", "one less than {a}"),
        "sums": ("{a} plus {b}",),
        "differences": ("{a} minus {b}",),
        "products": ("{a} times {b}",),
        "halves": ("half of {a}",),
    },
    "unseen": {
        "after": ("the number that follows {a}",),
        "before": ("the number that comes before {a}",),
        "sums": ("the sum of {a} and {b}",),
        "differences": ("{a} with {b} taken away",),
    },
}
COUNTED = {
    "train": "the number of birds among {a} squirrels and {b} owls",
    "unseen": "how many are fish, of {a} rabbits and {b} carp",
}


def described(split: str) -> list[list[str]]:
    found = arithmetic(NUMBERS, **FORMS[split])
    for word in WORDS[split].split():
        found[len(word)].append(f'the number of letters in "{word}"')
    for digit in range(2, 10):
        for other in (2, 3, 5, 8):
            sentence = COUNTED[split].format(a=NUMBERS[other], b=NUMBERS[digit])
            found[digit].append(sentence)
    if split == "train":
        for digit, facts in FACTS.items():
            found[digit] += facts
    return found


VOCABULARY = Vocabulary(
    digits=[(word, str(digit)) for digit, word in enumerate(NUMBERS)],
    thickness=THICKNESS,
    slant=SLANT,
    counts=NUMBERS[2:],
    templates={"train": TRAIN, "unseen": UNSEEN},
    riddles={split: described(split) for split in FORMS},
    articles=True,
)
