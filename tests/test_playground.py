"""The playground: its networks, its pages, and a reader who draws and drags."""

import hashlib
import json
import shutil

import pytest
from reader import PHONE, WIDE, Reader

from digitdreams import course
from places import ROOT

pytest.importorskip("sphinx", reason="the book's tools are not installed: make site")

from digitdreams.authoring.site import build, playground, sources, theme

PAGES = ("latent", "ask", "gan", "judge", "flow")
EXPECTED = json.loads((ROOT / "tests" / "networks.json").read_text(encoding="utf-8"))
# Largest and mean difference from Keras. Large matrices have 8 bits a weight: a pixel
# may be off by some grey levels of 255, a logit far from 0 by more.
TOLERANCES = {
    "images": (0.03, 0.002),
    "probabilities": (0.02, 0.004),
    "mean": (0.03, 0.02),
    "log_variance": (0.15, 0.1),
    "logits": (0.5, 0.1),
    "velocity": (0.06, 0.02),
    "pixels": (0.02, 0.003),
}


# Files --------------------------------------------------------------------------------


def test_each_network_is_the_recorded_one():
    records = playground.records()
    files = sorted(playground.NETWORKS.glob("*.net"))
    assert {one.stem for one in files} == set(records) == set(EXPECTED)
    for file in files:
        content = file.read_bytes()
        assert hashlib.sha256(content).hexdigest() == records[file.stem]["sha256"]
        assert len(content) == records[file.stem]["bytes"]
        assert records[file.stem]["command"].endswith(f"export_networks.py {file.stem}")
    kept = [*files, *(ROOT / "book" / "katex").rglob("*.*")]
    assert sum(one.stat().st_size for one in kept) < 6_000_000


def test_a_network_is_stamped_with_its_lesson():
    every = course.load()
    for name in playground.records():
        assert playground.stamp_of(name, every).numbers, name


def test_every_word_of_the_scripts_is_in_chinese(tmp_path):
    real = theme.words_of("zh", tmp_path)
    words = playground.words()
    assert len(words) > 100
    assert [one for one in words if real(one) == one] == []


def test_a_page_of_the_playground_has_its_script():
    assert playground.script_of("playground/gan") == "playground/gan.js"
    for page in ("playground/index", "lessons/03_vae", "gan"):
        assert playground.script_of(page) is None
    found = {one.stem for one in (ROOT / "book/pages/playground").glob("*.md")}
    assert found == {*PAGES, "index"}


# A reader in a browser ----------------------------------------------------------------


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The playground's pages in a book of their own."""
    work = tmp_path_factory.mktemp("play")
    folder = work / "en"
    shutil.copytree(ROOT / "book" / "pages" / "playground", folder / "playground")
    (folder / "index.md").write_text(
        "# Book\n\n```{toctree}\nplayground/index\n```\n", encoding="utf-8"
    )
    for path in folder.rglob("*.md"):
        sources.mend(path, folder)
    pages = {"en": build.pages_in(folder), "zh": set()}
    assert build.make_pages(work, "en", pages) == []
    made = work / "site"
    made.mkdir()
    (work / "made" / "en" / "html").replace(made / "en")
    theme.write_shared(made)
    playground.copy(made)
    return made


class Player(Reader):
    """A reader of the playground's pages."""

    def open(self, name, query=""):
        page = super().open(f"en/playground/{name}.html{query}")
        if name != "index":
            page.wait_for_selector(".play[data-ready]")
        return page


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "scheme"), [(WIDE, "light"), (PHONE, "dark")], ids=("wide", "phone")
)
def test_every_page_fits_its_window_and_is_accessible(browser, address, size, scheme):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is not installed"
    ).Axe()
    reader = Player(browser, address, viewport=size, color_scheme=scheme)
    for name in (*PAGES, "index"):
        page = reader.open(name)
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert over <= 0, name
        found = axe.run(page, "article").response["violations"]
        serious = [
            (one["id"], [node["html"][:200] for node in one["nodes"]])
            for one in found
            if one["impact"] in ("serious", "critical")
        ]
        assert serious == [], name
    reader.close()


@pytest.mark.slow
def test_each_network_gives_in_the_page_what_keras_gives(browser, address):
    reader = Player(browser, address)
    page = reader.open("index")
    found = page.evaluate(
        """async (expected) => {
          const { load } = await import("../../playground/engine.js");
          const found = {};
          for (const [name, examples] of Object.entries(expected)) {
            const network = await load(name);
            found[name] = examples.map(({ inputs }) =>
              Object.fromEntries(Object.entries(network.run(inputs)).map(
                ([key, values]) => [key, [...values]])));
          }
          return found;
        }""",
        {
            name: [{"inputs": one["inputs"]} for one in examples]
            for name, examples in EXPECTED.items()
        },
    )
    for name, examples in EXPECTED.items():
        for example, given in zip(examples, found[name], strict=True):
            for output, values in example["outputs"].items():
                assert len(values) == len(given[output]) > 0
                apart = [
                    abs(one - other)
                    for one, other in zip(values, given[output], strict=True)
                ]
                largest, mean = TOLERANCES[output]
                assert max(apart) < largest, (name, output)
                assert sum(apart) / len(apart) < mean, (name, output)
    reader.close()


# Lines as shares of a box: [[x, y], ...].
ZERO = [[[0.5, 0], [0.1, 0.2], [0, 0.5], [0.1, 0.8], [0.5, 1], [0.9, 0.8], [1, 0.5]]]
ZERO[0] += [[0.9, 0.2], [0.5, 0]]
ONE = [[[0.55, 0], [0.5, 0.5], [0.45, 1]]]
SEVEN = [[[0, 0.02], [0.5, 0.02], [1, 0], [0.7, 0.5], [0.45, 1]]]
MIDDLE, CORNER = (0.25, 0.15, 0.5, 0.7), (0.05, 0.62, 0.2, 0.3)


def points(page, strokes, place):
    """Places in the window; `place`: left, top, width, height, shares of the pad."""
    pad = page.locator("canvas.pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    left, top, width, height = place
    return [
        [
            (
                box["x"] + box["width"] * (left + width * x),
                box["y"] + box["height"] * (top + height * y),
            )
            for x, y in stroke
        ]
        for stroke in strokes
    ]


def by_mouse(page, strokes, place):
    for stroke in points(page, strokes, place):
        page.mouse.move(*stroke[0])
        page.mouse.down()
        for x, y in stroke[1:]:
            page.mouse.move(x, y, steps=3)
        page.mouse.up()


def by_touch(page, strokes, place):
    session = page.context.new_cdp_session(page)

    def touch(kind, at):
        given = [{"x": x, "y": y} for x, y in at]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": given})

    for stroke in points(page, strokes, place):
        touch("touchStart", stroke[:1])
        for one in stroke[1:]:
            touch("touchMove", [one])
        touch("touchEnd", [])


@pytest.mark.slow
@pytest.mark.parametrize("draw", (by_mouse, by_touch), ids=("mouse", "touch"))
def test_a_drawn_digit_is_read_wherever_it_stands(browser, address, draw):
    touched = draw is by_touch
    options = {"viewport": PHONE, "has_touch": True} if touched else {"viewport": WIDE}
    reader = Player(browser, address, **options)
    page = reader.open("judge", "?marks=off")
    says = page.locator(".strong")
    clear = page.get_by_role("button", name="Clear")
    for digit, strokes in ((0, ZERO), (1, ONE), (7, SEVEN)):
        for place in (MIDDLE, CORNER):
            clear.click()
            says.filter(has_text="nothing to read").wait_for()
            assert not page.locator(".verdict li.best").count()
            page.locator("canvas.pad").scroll_into_view_if_needed()
            before = page.evaluate("scrollY")
            draw(page, strokes, place)
            says.filter(has_text=f"reads a {digit}").wait_for()
            assert page.evaluate("scrollY") == before
    reader.close()


# Page -> what its reader does; then its address holds what is seen.
def drags(page):
    page.locator("canvas.map").focus()
    for key in ("ArrowRight", "ArrowUp", "Shift+ArrowRight"):
        page.keyboard.press(key)
    page.wait_for_url("**z1=0.1*")
    page.get_by_role("radio", name="where real digits lie").check(force=True)


def chooses(page):
    page.get_by_role("radio", name="conditional VAE").check(force=True)
    page.get_by_role("slider", name="slant").fill("2")
    page.get_by_role("button", name="Ask for 5").click()


def trains(page):
    page.get_by_role("button", name="Collapse it").click()
    page.wait_for_timeout(1500)
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Play", exact=True).wait_for()
    page.wait_for_url("**played=*slow*")  # the address follows once it rests


def draws(page):
    by_mouse(page, SEVEN, MIDDLE)
    page.locator(".strong").filter(has_text="reads a").wait_for()


def steps(page):
    page.get_by_role("slider", name="steps").fill("4")
    page.get_by_role("button", name="Step 2", exact=True).click()


LOOK = """() => [...document.querySelectorAll(".play canvas.digit")].map(
  (one) => one.toDataURL()).concat([...document.querySelectorAll(
  ".play dd, .play output, .play .said, .play input:checked + span")].map(
  (one) => one.textContent))"""


@pytest.mark.slow
def test_an_address_holds_all_that_is_seen(browser, address):
    reader = Player(browser, address, viewport=WIDE)
    for name, act in zip(PAGES, (drags, chooses, trains, draws, steps), strict=True):
        page = reader.open(name, "?marks=off" if name == "judge" else "")
        act(page)
        page.wait_for_timeout(1000)  # the address follows, and the last picture
        first, query = page.evaluate(LOOK), page.evaluate("location.search")
        assert query, name
        page = reader.open(name, query)
        if name == "gan":
            page.wait_for_selector(".play[data-played]")
        page.wait_for_timeout(1000)
        assert page.evaluate("location.search") == query, name
        assert page.evaluate(LOOK) == first, name
    page = reader.open("judge", "?hide=draw,link&draw=nonsense!")
    assert not page.locator("canvas.pad").is_visible()
    assert not page.locator(".share").is_visible()
    assert page.locator(".strong").inner_text().startswith("The judge reads a 4")
    reader.close()


@pytest.mark.slow
def test_a_slow_critic_collapses_and_two_time_scales_do_not(browser, address):
    reader = Player(browser, address)
    page = reader.open("index")
    covered = page.evaluate(
        """async () => {
          const { Game, PLAIN } = await import("../../playground/ring.js");
          return [0.0001, 0.003].map((criticRate) => {
            const game = new Game(1);
            const recipe = { ...PLAIN, generatorRate: 0.001, criticRate };
            for (let i = 0; i < 300; i++) game.round(recipe);
            return game.look(recipe, false).covered;
          });
        }"""
    )
    assert covered[0] <= 2 and covered[1] >= 7
    reader.close()


@pytest.mark.slow
def test_gradients_by_hand_are_those_of_the_losses(browser, address):
    reader = Player(browser, address)
    page = reader.open("index")
    pairs = page.evaluate(
        """async () => {
          const { Chance, Dense } = await import("../../playground/ring.js");
          const chance = new Chance(3);
          const rows = 16;
          const network = new Dense([2, 12, 12, 1], chance);
          const points = chance.normals(2 * rows);
          const half = (sum, x) => sum + x * x / 2;
          const score = () => network.forward(points, rows).reduce(half, 0);
          const slopes = () => {
            network.forward(points, rows);
            return network.backward(new Float32Array(rows).fill(1), rows, false);
          };
          const penalty = () => slopes().reduce((a, b) => a + b * b, 0);
          const checks = [
            [score, () => network.backward(network.forward(points, rows), rows, true)],
            [penalty, () => network.penalise(points, rows, (g) => g.map((x) => 2 * x))],
          ];
          const pairs = [];
          for (const [loss, learn] of checks) {
            network.gradients.forEach((one) => one.fill(0));
            learn();
            const known = network.gradients.map((one) => one.slice());
            for (const layer of [0, 2, 4]) {
              const weights = network.weights[layer];
              let [up, along] = [0, 0];
              // Along the gradient itself: a difference that rounding does not hide.
              const length = Math.hypot(...known[layer]);
              const kept = weights.slice();
              const move = (by) => {
                const moved = (x, i) => x + (by * known[layer][i]) / length;
                weights.set(kept.map(moved));
                const value = loss();
                weights.set(kept);
                return value;
              };
              pairs.push([(move(0.002) - move(-0.002)) / 0.004, length]);
            }
          }
          return pairs;
        }"""
    )
    assert len(pairs) == 6
    for measured, known in pairs:
        assert measured == pytest.approx(known, rel=0.03)
    reader.close()
