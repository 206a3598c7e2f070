"""Formulas in terminals, on pages and on cards; lines of Chinese."""

import re

import pytest
from rich.cells import cell_len
from rich.console import Console
from test_bank import QUESTIONS

from digitdreams.interview import formula, problems, screen, wrapping


def texts():
    for one in QUESTIONS:
        found = [one.question, one.short, one.answer]
        found += [text for f in one.follow_ups for text in (f.question, f.reply)]
        found += [text for w in one.wrong for text in (w.claim, w.why)]
        for text in found:
            yield one.id, text.en
            yield one.id, text.zh
    for one in problems.load():
        for text in (one.title, one.statement, one.limits):
            yield one.name, text.en
            yield one.name, text.zh


TEXTS = list(texts())


@pytest.mark.parametrize(
    ("latex", "shown"),
    [
        (
            r"\tfrac12(\mu^2 + \sigma^2 - 1 - \log\sigma^2)",
            "1/2·(μ² + σ² - 1 - log σ²)",
        ),
        (r"\frac{p(x)}{p(x)+q(x)}", "p(x)/(p(x)+q(x))"),
        (r"x_{t-1}", "xₜ₋₁"),
        (r"-\log p = -\ln a - \log b", "-log p = -ln a - log b"),
        (r"\sqrt{\bar\alpha_t}", "√\u03b1\u0304ₜ"),
        # a denominator of more than one factor, a factor after a fraction
        (r"\frac{1}{2s^2} = 1", "1/(2s²) = 1"),
        (r"\frac{1}{\sqrt{\alpha_t}}(x_t - c)", "1/√αₜ·(xₜ - c)"),
        (r"\frac{1}{\sqrt{\alpha_t}}\left(x_t - c\right)", "1/√αₜ·(xₜ - c)"),
        (r"\nabla\frac1{128}\sum_i L_i", "∇ 1/128·Σᵢ Lᵢ"),
        (r"\frac12\sigma\epsilon", "1/2·σε"),
        (r"\frac{d(d+1)}{2n} + 1", "(d(d+1))/(2n) + 1"),
        (r"x\frac{a}{b}", "x·a/b"),
        (r"\log\frac{p}{q} = 0", "log(p/q) = 0"),
        (r"\log \frac{p(x)}{2 q}", "log(p(x)/(2 q))"),
        (r"\frac{dx}{dt} = f", "dx/dt = f"),
        (r"\frac{\partial L}{\partial s_{ij}}", "∂L/∂sᵢⱼ"),
        (r"\frac12, \frac{1}{4} \le 1", "1/2, 1/4 ≤ 1"),
        (r"\sqrt{2\pi}", "√(2π)"),
        (r"\frac{1}{m(m-1)}", "1/(m(m-1))"),
        # words are not raised
        (r"p_{data}(x)", "p_data(x)"),
        (r"x_{\mathrm{max}} y", "x_max y"),
        (r"L_{\mathrm{CFM}}", "L_CFM"),
        (r"x^{\text{old}}", "x^old"),
        (r"E_{q(z|x)}[\log p]", "E_(q(z|x))[log p]"),
        (r"\mathrm{KL}(q\,\|\,p)\ge 0", "KL(q ‖ p) ≥ 0"),
        (r"1{,}568\text{ weights}", "1,568 weights"),
        (r"\left.\frac{1}{2}\right|_{0}", "1/2|₀"),
        (r"\hat x \in \{0, 1\}", "x̂ ∈ {0, 1}"),
    ],
)
def test_a_formula_becomes_one_line(latex, shown):
    assert formula.plain(latex) == shown


def test_every_command_of_the_bank_is_known():
    unknown = {
        (where, name)
        for where, text in TEXTS
        for match in formula.FORMULA.finditer(text)
        for name in re.findall(r"(?<!\\)\\([A-Za-z]+)", match[2] or match[3] or "")
        if name not in formula.KNOWN
    }
    assert not unknown


def test_no_latex_reaches_the_terminal():
    for where, text in TEXTS:
        for match in formula.FORMULA.finditer(text):
            shown = formula.plain(match[2] or match[3] or "")
            assert not re.search(r"\\[A-Za-z]|[{}]\s*[{}]", shown), (where, shown)


@pytest.mark.slow
def test_every_text_becomes_mathml_and_mathjax():
    for where, text in TEXTS:
        count = len([m for m in formula.FORMULA.finditer(text) if not m[1]])
        page, card = formula.for_web(text), formula.for_anki(text)
        assert page.count("<math ") == count, where
        assert not re.search(r">\\[A-Za-z]", page), where
        assert card.count(r"\(") + card.count(r"\[") >= count, where


def test_code_keeps_its_dollars():
    assert formula.for_terminal("`a $x$ b` and $x^2$") == "`a $x$ b` and `x²`"
    assert formula.for_terminal(r"it costs \$5") == "it costs $5"
    assert r"\(" not in formula.for_anki("`a $x$ b`")


def test_html_in_a_text_is_escaped():
    text = "<script>alert(1)</script> $a<b$ & **bold**"
    for page in (formula.for_web(text), formula.for_anki(text)):
        assert "<script" not in page
        assert "<strong>bold</strong>" in page
    assert r"\(a&lt;b\)" in formula.for_anki(text)


@pytest.mark.parametrize("width", [20, 40, 80])
def test_lines_fit_and_nothing_is_lost(width):
    console = Console(width=width, color_system=None)
    for where, text in TEXTS[:: max(1, len(TEXTS) // 100)]:
        with console.capture() as caught:
            console.print(screen.markdown(text))
        lines = caught.get().splitlines()
        assert all(cell_len(line) <= width for line in lines), where


def test_chinese_lines_break_between_characters_and_not_before_commas():
    text = "判别器与生成器，两个网络互相对抗。"
    starts = wrapping.breaks(text, 14)
    lines = [text[i:j] for i, j in zip([0, *starts], [*starts, None], strict=True)]
    assert "".join(lines) == text
    assert lines[0] == "判别器与生成"
    assert all(line[0] not in wrapping.CLOSING for line in lines)


def test_a_long_word_is_cut():
    assert wrapping.breaks("a" * 25, 10) == [10, 20]
