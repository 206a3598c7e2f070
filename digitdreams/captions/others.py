"""German, Spanish, French and Turkish: languages that no training sentence is in."""

from digitdreams.captions.vocabulary import Templates, Vocabulary


def _digits(names: str) -> list[tuple[str, str]]:
    return [(name, str(digit)) for digit, name in enumerate(names.split())]


def _each(*words: str) -> tuple[tuple[str], ...]:
    return tuple((word,) for word in words)


GERMAN = Vocabulary(
    digits=_digits("Null Eins Zwei Drei Vier Fünf Sechs Sieben Acht Neun"),
    thickness={
        "thick": _each("dünne", "mittelstarke", "dicke"),
        "strokes": _each(
            "dünnen Strichen", "mittelstarken Strichen", "dicken Strichen"
        ),
    },
    slant={
        "lean": _each("nach links geneigte", "aufrechte", "nach rechts geneigte"),
        "leans": _each(
            "sich nach links neigt", "aufrecht steht", "sich nach rechts neigt"
        ),
    },
    templates={
        "unseen": Templates(
            phrases=(
                "eine {digit}",
                "die Ziffer {digit}",
                "eine {thick} {digit}",
                "eine {digit} mit {strokes}",
                "eine {lean} {digit}",
                "eine {digit}, die {leans}",
                "eine {thick}, {lean} {digit}",
                "eine {lean} {digit} mit {strokes}",
                "eine {thick} {digit}, die {leans}",
            ),
            captions=("{x}",),
            requests=("Zeichne bitte {x}.", "Ich hätte gern {x}.", "Schreib mir {x}."),
        )
    },
)
SPANISH = Vocabulary(
    digits=_digits("cero uno dos tres cuatro cinco seis siete ocho nueve"),
    thickness={
        "thick": _each("fino", "de grosor medio", "grueso"),
        "strokes": _each("trazos finos", "trazos de grosor medio", "trazos gruesos"),
    },
    slant={
        "lean": _each("inclinado a la izquierda", "vertical", "inclinado a la derecha"),
        "leans": _each(
            "se inclina a la izquierda", "está recto", "se inclina a la derecha"
        ),
    },
    templates={
        "unseen": Templates(
            phrases=(
                "un {digit}",
                "el número {digit}",
                "un {digit} {thick}",
                "un {digit} con {strokes}",
                "un {digit} {lean}",
                "un {digit} que {leans}",
                "un {digit} {thick}, {lean}",
                "un {digit} {lean}, con {strokes}",
                "un {digit} {thick} que {leans}",
            ),
            captions=("{x}",),
            requests=("Dibuja {x}, por favor.", "Quiero {x}.", "Escríbeme {x}."),
        )
    },
)
FRENCH = Vocabulary(
    digits=_digits("zéro un deux trois quatre cinq six sept huit neuf"),
    thickness={
        "thick": _each("fin", "d'épaisseur moyenne", "épais"),
        "strokes": _each("traits fins", "traits d'épaisseur moyenne", "traits épais"),
    },
    slant={
        "lean": _each("penché à gauche", "bien droit", "penché à droite"),
        "leans": _each("penche à gauche", "se tient droit", "penche à droite"),
    },
    templates={
        "unseen": Templates(
            phrases=(
                "le chiffre {digit}",
                "le nombre {digit}",
                "le chiffre {digit}, {thick}",
                "le chiffre {digit} en {strokes}",
                "le chiffre {digit}, {lean}",
                "le chiffre {digit} qui {leans}",
                "le chiffre {digit}, {thick} et {lean}",
                "le chiffre {digit} en {strokes}, {lean}",
                "le chiffre {digit}, {thick}, qui {leans}",
            ),
            captions=("{x}",),
            requests=(
                "Dessine {x}, s'il te plaît.",
                "Je voudrais {x}.",
                "Écris-moi {x}.",
            ),
        )
    },
    neutral=("un chiffre",),
)
TURKISH = Vocabulary(
    digits=_digits("sıfır bir iki üç dört beş altı yedi sekiz dokuz"),
    thickness={
        "thick": _each("ince", "orta kalınlıkta", "kalın"),
        "strokes": _each(
            "ince çizgilerle", "orta kalınlıkta çizgilerle", "kalın çizgilerle"
        ),
    },
    slant={
        "lean": _each("sola yatık", "dik", "sağa yatık"),
        "leans": _each("sola eğik duran", "dik duran", "sağa eğik duran"),
    },
    templates={
        "unseen": Templates(
            phrases=(
                "{digit} rakamı",
                "el yazısıyla {digit} rakamı",
                "{thick} {digit} rakamı",
                "{strokes} yazılmış {digit} rakamı",
                "{lean} {digit} rakamı",
                "{leans} {digit} rakamı",
                "{thick}, {lean} {digit} rakamı",
                "{strokes} yazılmış, {lean} {digit} rakamı",
                "{leans}, {thick} {digit} rakamı",
            ),
            captions=("{x}",),
            requests=("Lütfen çiz: {x}.", "İstediğim şey {x}.", "Bana yaz: {x}."),
        )
    },
)
VOCABULARIES = {"de": GERMAN, "es": SPANISH, "fr": FRENCH, "tr": TURKISH}
