r"""Formulas of the bank ($...$) for terminals, for web pages and for Anki.

A terminal gets Unicode: `\frac12 \sigma^2` becomes `1/2·σ²`. A web page gets MathML,
which browsers draw without a network, and Anki gets its own marks for MathJax.
"""

# ruff: noqa: SIM905

import functools
import html
import re
from collections.abc import Callable, Mapping
from typing import Any

from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

SYMBOLS = {
    "alpha": "α",  # noqa: RUF001
    "beta": "β",
    "gamma": "γ",  # noqa: RUF001
    "delta": "δ",
    "epsilon": "ε",
    "varepsilon": "ε",
    "zeta": "ζ",
    "eta": "η",
    "theta": "θ",
    "lambda": "λ",
    "mu": "μ",
    "nu": "ν",  # noqa: RUF001
    "xi": "ξ",
    "pi": "π",
    "rho": "ρ",  # noqa: RUF001
    "sigma": "σ",  # noqa: RUF001
    "tau": "τ",
    "phi": "φ",
    "varphi": "φ",
    "chi": "χ",
    "psi": "ψ",
    "omega": "ω",
    "Gamma": "Γ",
    "Delta": "Δ",
    "Theta": "Θ",
    "Lambda": "Λ",
    "Pi": "Π",
    "Sigma": "Σ",
    "Phi": "Φ",
    "Psi": "Ψ",
    "Omega": "Ω",
    "ell": "ℓ",  # noqa: RUF001
    "times": " × ",
    "cdot": "·",
    "div": "÷",
    "pm": "±",
    "mp": "∓",
    "odot": " ⊙ ",
    "otimes": " ⊗ ",
    "oplus": " ⊕ ",
    "circ": "∘",
    "ast": " * ",
    "star": " * ",
    "le": " ≤ ",
    "leq": " ≤ ",
    "leqslant": " ≤ ",
    "ge": " ≥ ",
    "geq": " ≥ ",
    "ne": " ≠ ",
    "neq": " ≠ ",
    "lt": " < ",
    "gt": " > ",
    "ll": " ≪ ",
    "gg": " ≫ ",
    "approx": " ≈ ",
    "succ": " ≻ ",
    "equiv": " ≡ ",
    "propto": " ∝ ",
    "sim": " ~ ",
    "simeq": " ≃ ",
    "to": " → ",
    "rightarrow": " → ",
    "longrightarrow": " → ",
    "leftarrow": " ← ",
    "gets": " ← ",
    "leftrightarrow": " ↔ ",
    "Rightarrow": " ⇒ ",
    "implies": " ⇒ ",
    "iff": " ⇔ ",
    "mapsto": " ↦ ",
    "infty": "∞",
    "sum": "Σ",
    "prod": "Π",
    "int": "∫",
    "partial": "∂",
    "nabla": "∇",
    "in": " ∈ ",
    "notin": " ∉ ",
    "subset": " ⊂ ",
    "cup": " ∪ ",  # noqa: RUF001
    "cap": " ∩ ",
    "forall": "∀",
    "exists": "∃",
    "setminus": " \\ ",
    "ldots": "…",
    "dots": "…",
    "cdots": "…",
    "vdots": "…",
    "mid": " | ",
    "vert": "|",
    "lvert": "|",
    "rvert": "|",
    "Vert": "‖",
    "lVert": "‖",
    "rVert": "‖",
    "parallel": " ‖ ",
    "langle": "⟨",
    "rangle": "⟩",
    "lfloor": "⌊",
    "rfloor": "⌋",
    "lceil": "⌈",
    "rceil": "⌉",
    "lbrace": "{",
    "rbrace": "}",
    "varnothing": "∅",
    "emptyset": "∅",
    "top": "T",
    "prime": "'",
    "perp": "⊥",
    "quad": "  ",
    "qquad": "    ",
    "space": " ",
    "colon": ": ",
}
NAMED = frozenset(
    (
        "log ln exp min max sin cos tan cot sec csc sinh cosh tanh coth arcsin arccos "
        "arctan det dim inf sup lim liminf limsup arg argmin argmax Pr mod gcd ker deg "
    ).split()
)
IGNORED = frozenset(
    (
        "left right middle big Big bigl bigr Bigl Bigr bigg Bigg biggl biggr "
        "displaystyle textstyle limits nolimits nonumber "
    ).split()
)
WRAPPERS = frozenset(
    (
        "mathrm text mathbf mathit mathsf mathtt mathcal mathbb mathfrak textbf textit "
        "texttt textrm operatorname boldsymbol bm mathop mbox underbrace overbrace "
    ).split()
)
ACCENTS = {
    "hat": "\u0302",
    "widehat": "\u0302",
    "bar": "\u0304",
    "overline": "\u0304",
    "tilde": "\u0303",
    "widetilde": "\u0303",
    "dot": "\u0307",
    "vec": "\u20d7",
}
FRACTIONS = ("frac", "tfrac", "dfrac")
FRACTION_TOKENS = tuple(f"\\{name}" for name in FRACTIONS)
KNOWN = {*SYMBOLS, *NAMED, *IGNORED, *WRAPPERS, *ACCENTS, *FRACTIONS}
KNOWN |= {"sqrt", "begin", "end", "binom"}
MARKS = {",": " ", ";": " ", ":": " ", "!": "", " ": " ", "|": "‖", "\\": "; "}

RAISED = str.maketrans(
    "0123456789+-=()abcdefghijklmnoprstuvwxyzT−",
    "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᵀ⁻",
)
LOWERED = str.maketrans(
    "0123456789+-=()aehijklmnoprstuvxβγρφχ−",  # noqa: RUF001
    "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ₋",
)


SCRIPTS = "".join(map(chr, sorted({*RAISED.values(), *LOWERED.values()})))
SHIFTED = rf"(?:[{re.escape(SCRIPTS)}'*]|[_^](?:\w+|\([^()]*\)))*"
BRACKETS = r"\([^()]*(?:\([^()]*\)[^()]*)*\)"
# A number, a symbol or a word, with all that is written above and below it; a density
# or a function also with what it is of.
FACTOR = re.compile(
    rf"√?(?:\d[\d.,]*|[d∂]?[^\W\d_][\u0300-\u036f\u20d7]?|[A-Za-z]{{3,}}){SHIFTED}"
    rf"|√?{BRACKETS}{SHIFTED}"
    rf"|[pqDGPQZfghφψσμπ][\u0300-\u036f]?{SHIFTED}{BRACKETS}"  # noqa: RUF001
)
# What applies to all that follows: a fraction behind it needs brackets.
OPERATOR = re.compile(rf"(?:\b(?:{'|'.join(sorted(NAMED))})|[∇∂ΣΠ∫]){SHIFTED}$")
PRODUCT = re.compile(rf"[\w)\]}}'{re.escape(SCRIPTS)}\u0300-\u036f]$")
# Commands that begin no factor: relations, operations, words and spaces.
NO_FACTOR = frozenset(
    key for key, sign in SYMBOLS.items() if sign.startswith(" ") or sign in "·÷±∓∘:…"
) | {"text", "frac", "mid", "end", "rangle", "rfloor", "rceil", "rvert", "rVert"}


class Formula:
    """One formula being read from left to right."""

    def __init__(self, latex: str):
        pattern = r"\\[A-Za-z]+\*?\s*|\\.|[{}^_]|\s+|."
        self.tokens = [match[0] for match in re.finditer(pattern, latex, re.S)]
        self.place = 0

    def next(self) -> str:
        """The next token, empty at the end."""
        token = self.tokens[self.place] if self.place < len(self.tokens) else ""
        self.place += 1
        return token

    def until(self, end: str) -> str:
        """All up to a token, which is passed over."""
        parts: list[str] = []
        while self.place < len(self.tokens):
            if self.tokens[self.place] == end:
                self.place += 1
                break
            token = self.next()
            piece = self.item(token)
            if token.strip() in FRACTION_TOKENS:
                piece = self.joined(parts, piece)
            parts.append(piece)
        return "".join(parts)

    def joined(self, parts: list[str], fraction: str) -> str:
        """A fraction with what keeps it apart from its neighbours.

        Args:
            parts: what stands before it; spaces before a factor are taken away.
        """
        sign = "·" if self.factor_follows() else ""
        before = "".join(parts)
        if OPERATOR.search(before.rstrip()):
            parts[:] = [before.rstrip()]
            return f" {fraction}{sign}" if sign else f"({fraction})"
        last = next((part for part in reversed(parts) if not part.isspace()), "")
        if PRODUCT.search(last):
            parts[:] = [before.rstrip()]
            fraction = f"·{fraction}"
        return fraction + sign

    def letter_follows(self) -> bool:
        """Whether the next sign is a letter, which must not run into a word."""
        token = "".join(self.tokens[self.place : self.place + 1])
        return token[:1].isalpha() or SYMBOLS.get(token[1:].strip(), "").isalpha()

    def factor_follows(self) -> bool:
        """Whether the next sign begins a further factor."""
        for token in self.tokens[self.place :]:
            name = token[1:].strip() if token.startswith("\\") else ""
            if token.isspace() or name in IGNORED or name in (",", "!", ";", ":"):
                continue
            if name:
                return (name[0].isalpha() and name not in NO_FACTOR) or name == "|"
            return token.isalnum() or token in "([{"
        return False

    def argument(self) -> str:
        """What a command takes: a group or a single sign."""
        token = self.next()
        while token.isspace():
            token = self.next()
        return self.item(token).strip()

    def item(self, token: str) -> str:
        """What a token, and what belongs to it, becomes."""
        if token == "{":
            return self.until("}")
        if token in ("^", "_"):
            text = shifted(token, self.argument())
            word = len(text) > 2 and text[1:].isalpha()
            return f"{text} " if word and self.letter_follows() else text
        if token.startswith("\\"):
            name = token[1:]
            return self.command(name.strip().rstrip("*") if len(name) > 1 else name)
        if token == "&":
            return " "
        return " " if token.isspace() else token

    def command(self, name: str) -> str:
        """What a command of LaTeX, and its arguments, become."""
        if name in SYMBOLS:
            return SYMBOLS[name]
        if name in FRACTIONS or name == "binom":
            above, below = self.argument(), self.argument()
            if name == "binom":
                return f"C({above}, {below})"
            return f"{bracketed(above)}/{as_factor(below)}"
        if name == "sqrt":
            return f"√{as_factor(self.argument())}"
        if name in ACCENTS:
            inner = self.argument()
            if len(inner) > 1:
                return f"{name}({inner})"
            return inner + ACCENTS[name]
        if name in WRAPPERS:
            return self.item(self.next())
        if name in IGNORED:
            if self.tokens[self.place : self.place + 1] == ["."]:
                self.place += 1  # `\right.` has no sign
            return ""
        if name in ("begin", "end"):
            self.argument()
            return ""
        if name in NAMED:
            following = self.tokens[self.place : self.place + 1]
            tight = following and following[0] in ("(", "_", "^", "{", ")")
            return f" {name}" if tight else f" {name} "
        return MARKS.get(name, name)


def bracketed(text: str) -> str:
    """Put brackets around what is more than one number or symbol."""
    simple = re.fullmatch(r"[\w.^'√⁰¹²³⁴-⁹₀-₉ᵢⱼₖₜₓ]+|\(.*\)", text)
    alone = simple and text.count("(") < 2
    return text if alone or FACTOR.fullmatch(text) else f"({text})"


def as_factor(text: str) -> str:
    """Put brackets around what is more than one factor: `1/(2s²)`, `√(ab)`."""
    return text if FACTOR.fullmatch(text) else f"({text})"


def shifted(mark: str, text: str) -> str:
    """A superscript or subscript, in Unicode where all its signs exist there.

    Words stay as they are: small raised letters are hard to read.
    """
    table = RAISED if mark == "^" else LOWERED
    text = text.replace(" ", "") if len(text) < 6 else text
    if re.fullmatch("[A-Za-z]{3,}|[A-Z]{2}", text):
        return f"{mark}{text}"
    if text and all(ord(sign) in table for sign in text):
        return text.translate(table)
    if mark == "^" and text in ("'", "*", "∘"):
        return text
    alone = len(text) == 1 or re.fullmatch(r"[\d.]+", text)
    return f"{mark}{text}" if alone else f"{mark}({text})"


def plain(latex: str) -> str:
    """Turn a formula into one line of Unicode."""
    text = Formula(latex.replace("{,}", ",")).until("")
    text = re.sub(r"\s*(?<![\^_(eE])(=|≤|≥|≈|≠|∈)\s*", r" \1 ", text)
    text = re.sub(r"([(\[|])\s+(?=[a-z])", r"\1", text)
    text = re.sub(r"(^|[=(,≥≤≈|] ?|(?<=\S))-\s+(?=[a-z])", r"\1-", text)
    return re.sub(r"\s+", " ", re.sub(r"\s*·\s*", "·", text)).strip()


# The bank's Markdown -----------------------------------------------------------------

JOINED = "\u00a0"  # a space at which no line of a terminal is broken
SHORT = 30  # signs of a formula that stands on one line

FORMULA = re.compile(
    r"(`+)[\s\S]*?\1|(?<!\\)\$\$([^$]+)\$\$|(?<!\\)\$((?:\\\$|[^$])+)\$"
)


def for_terminal(markdown: str) -> str:
    """Markdown whose formulas stand in code marks, as Unicode.

    The spaces of a short formula are JOINED ones.
    """

    def replaced(match: re.Match[str]) -> str:
        if match[1]:
            return match[0]
        text = plain(match[2] or match[3]).replace("`", "'")
        if match[2]:
            return f"\n\n    {text}\n\n"
        return f"`{text.replace(' ', JOINED) if len(text) <= SHORT else text}`"

    return FORMULA.sub(replaced, markdown).replace(r"\$", "$")


def as_text(markdown: str) -> str:
    """One line of plain text: no marks, formulas in Unicode."""
    text = re.sub(r"\s+", " ", for_terminal(markdown))  # JOINED ones too
    return re.sub(r"[`*]", "", text).strip()


@functools.cache
def renderer(formula: Callable[[str, Mapping[str, Any]], str]) -> MarkdownIt:
    """A Markdown renderer that escapes HTML and hands formulas to `formula`."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    return markdown.use(
        dollarmath_plugin, double_inline=True, allow_digits=True, renderer=formula
    )


def escaped(text: str) -> str:
    """Text as HTML."""
    return html.escape(text, quote=False)


UNKNOWN = re.compile(r"<(m[io])([^>]*)>\\([A-Za-z]+)</\1>")


def known(match: re.Match[str]) -> str:
    """A command that the converter left as it is, as a sign or an operator's name."""
    kind, attributes, name = match.groups()
    kind = "mo" if name in NAMED else kind
    return f"<{kind}{attributes}>{SYMBOLS.get(name, name).strip()}</{kind}>"


def as_mathml(latex: str, options: Mapping[str, Any]) -> str:
    """A formula as MathML; `display_mode` gives it a line of its own."""
    display = "block" if options.get("display_mode") else "inline"
    return UNKNOWN.sub(known, str(convert(latex, display=display)))


def as_mathjax(latex: str, options: Mapping[str, Any]) -> str:
    """A formula between the marks of MathJax."""
    marks = (r"\[", r"\]") if options.get("display_mode") else (r"\(", r"\)")
    return f"{marks[0]}{escaped(latex.strip())}{marks[1]}"


def for_web(markdown: str) -> str:
    """HTML with MathML; HTML in the text is escaped."""
    return str(renderer(as_mathml).render(markdown))


def for_anki(markdown: str) -> str:
    r"""HTML with formulas between \( and \), as Anki's MathJax wants them."""
    return str(renderer(as_mathjax).render(markdown)).strip()
