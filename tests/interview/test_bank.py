"""The bank is whole: schema, languages, links, numbers, no duplicates."""

import subprocess
import sys
import warnings
from datetime import date

import pytest

from digitdreams.interview import bank

QUESTIONS, FAULTS = bank.read(sorted(bank.FOLDER.glob("*.yaml")))
CELLS = bank.lesson_cells()
LINKED = [one for one in QUESTIONS if one.lesson]
NUMBERS = [(one.id, number) for one in QUESTIONS for number in one.numbers]

GOOD = """\
- id: vae-why-sample
  topic: vae
  level: junior
  kind: concept
  question:
    en: Why does a VAE draw its code at random?
    zh: 变分自编码器为什么要随机采样潜变量？
  short:
    en: So that the decoder learns whole regions.
    zh: 为了让解码器学会整片区域。
  answer:
    en: The cost is $-\\log 0.8$, that is 0.223 nats.
    zh: 代价是 $-\\log 0.8$，即 0.223 奈特。
  follow_ups:
    - question: {en: And at test time?, zh: 测试时呢？}
      reply: {en: Take the mean., zh: 取均值。}
  wrong:
    - claim: {en: To add noise to the image., zh: 为了给图像加噪声。}
      why: {en: The noise is in the code., zh: 噪声加在潜变量上。}
  numbers:
    - shown: "0.223"
      code: -math.log(0.8)
  sources:
    - Kingma and Welling 2014, Auto-Encoding Variational Bayes, arXiv:1312.6114
"""


def test_the_bank_has_no_fault():
    assert not FAULTS, "\n".join(map(str, FAULTS))


def test_there_are_enough_questions():
    assert len(QUESTIONS) >= 365
    assert len(bank.ordinary(QUESTIONS)) >= 350


@pytest.mark.parametrize("topic", bank.TOPICS)
def test_a_topic_has_questions_of_several_levels_and_kinds(topic):
    found = [one for one in QUESTIONS if one.topic == topic]
    assert len(found) >= 5
    assert len({one.level for one in found}) >= 2
    assert len({one.kind for one in found}) >= 3


DESIGNS = [one for one in QUESTIONS if one.rubric]


def test_there_are_designs_with_a_rubric():
    assert len(DESIGNS) >= 20


@pytest.mark.parametrize("question", DESIGNS, ids=lambda one: one.id)
def test_a_design_has_points_traps_and_an_answer_for_a_whiteboard(question):
    assert 5 <= len(question.rubric) <= 8
    assert len(question.wrong) >= 2
    assert len(question.answer.en.split()) <= 250
    assert len(question.answer.en.splitlines()) <= 40


def test_dated_answers_were_checked_and_old_ones_are_listed():
    dated = [one for one in QUESTIONS if one.as_of]
    assert dated and all(one.age(date.today()) >= 0 for one in dated)
    for one in bank.stale(QUESTIONS, date.today()):
        text = f"{one.place}: {one.id} was checked for {one.as_of}"
        warnings.warn(text, stacklevel=1)


def test_links_lead_to_cells():
    faults = {one.id: bank.link_fault(one.lesson, CELLS) for one in LINKED}
    assert len(faults) > 100 and not {id: said for id, said in faults.items() if said}


def test_numbers_are_what_their_code_gives():
    faults = [(id, bank.number_fault(number)) for id, number in NUMBERS]
    assert len(faults) > 600 and not [(id, said) for id, said in faults if said]


def test_no_two_questions_are_nearly_the_same():
    pairs = [
        f"{similarity:.2f} {one.id} {other.id}"
        for similarity, one, other in bank.near_duplicates(QUESTIONS)
    ]
    assert not pairs


# Faults are named well ----------------------------------------------------------------


def faults(tmp_path, text, name="vae.yaml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    _, found = bank.read([path])
    return [f"{one.line}: {one.text}" for one in found]


def changed(old, new):
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def test_a_good_file_has_no_fault(tmp_path):
    assert faults(tmp_path, GOOD) == []


BROKEN = {
    "broken YAML": ("  level: junior", "  level: [junior", "4: is not YAML"),
    "a colon in text": (
        "en: Why does a VAE draw",
        "en: Why: does a VAE: draw",
        "6: is not YAML",
    ),
    "a tab": ("  level: junior", "\tlevel: junior", "3: is not YAML"),
    "a missing key": ("  level: junior\n", "", "1: a question lacks the key 'level'"),
    "an unknown key": (
        "  level: junior",
        "  level: junior\n  levle: x",
        "4: a question has an unknown key 'levle' (did you mean 'level'?)",
    ),
    "a key twice": (
        "  level: junior",
        "  level: junior\n  level: senior",
        "4: a question has the key 'level' twice",
    ),
    "an unknown topic": (
        "topic: vae",
        "topic: vaes",
        "2: topic is 'vaes' (did you mean 'vae'?); choose one of classifiers",
    ),
    "another file's topic": ("topic: vae", "topic: gan", "move the question"),
    "an unknown level": ("junior", "expert", "3: level is 'expert'; choose one of"),
    "an unknown kind": ("concept", "riddle", "4: kind is 'riddle'; choose one of"),
    "a wrong type": (
        "  sources:\n    - Kingma and Welling 2014",
        "  sources: Kingma and Welling 2014",
        "sources must be a list",
    ),
    "a number without quotes": (
        'shown: "0.223"',
        "shown: 0.223",
        "21: numbers[1].shown is read as float, not as text: put 0.223 in quotes",
    ),
    "a number that is not in the answer": (
        'shown: "0.223"',
        'shown: "0.22"',
        "the number 0.22 does not stand in answer.en",
    ),
    "a number with a unit": (
        'shown: "0.223"',
        'shown: "0.223 nats"',
        "write the bare number",
    ),
    "text for a mapping": (
        "  short:\n    en: So that the decoder learns whole regions.\n"
        "    zh: 为了让解码器学会整片区域。",
        "  short: So that the decoder learns whole regions.",
        "8: short must have the keys en, zh",
    ),
    "no Chinese": (
        "zh: 变分自编码器为什么要随机采样潜变量？",
        "zh: Why?",
        "7: question.zh holds no Chinese",
    ),
    "languages swapped": (
        "en: So that the decoder learns whole regions.",
        "en: 为了让解码器学会整片区域。",
        "9: short.en is in Chinese",
    ),
    "an open formula": ("0.8$, that", "0.8, that", "odd number of $"),
    "an empty text": ("kind: concept", "kind:", "4: kind is empty"),
    "an id with capitals": (
        "vae-why-sample",
        "VAE_why",
        "1: id 'VAE_why' must be small letters",
    ),
    "a bad link": (
        "kind: concept",
        "kind: concept\n  lesson: lesson 3",
        "5: lesson is 'lesson 3': write file and cell",
    ),
    "an unknown tag": (
        "kind: concept",
        "kind: concept\n  tags: [tarp]",
        "5: tags[1] is 'tarp' (did you mean 'trap'?)",
    ),
    "a date that is no month": (
        "kind: concept",
        "kind: concept\n  as_of: 2026-13",
        "5: as_of is '2026-13': write the month",
    ),
    "a state of the art without a date": (
        "So that the decoder",
        "In the state of the art so that the decoder",
        "say with `as_of:`",
    ),
    "a year without a date": (
        "Why does a VAE draw",
        "Why, in 2025, does a VAE draw",
        "say with `as_of:`",
    ),
    "a rubric of a concept": (
        "kind: concept",
        "kind: concept\n  rubric:\n    - {en: Asks first, zh: 先问清需求}",
        "a rubric belongs to a question of design",
    ),
    "no year": ("Welling 2014", "Welling", "names no year"),
    "not a list": (GOOD, "id: x\n", "1: must be a list"),
    "an entry that is text": (GOOD, "- hello\n", "1: a question must have the keys"),
    "an empty file": (GOOD, "", "1: holds no question"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_fault_is_named_with_its_line(tmp_path, what):
    old, new, expected = BROKEN[what]
    found = faults(tmp_path, changed(old, new))
    assert any(expected in one for one in found), found


def test_a_date_a_tag_and_a_rubric_are_read(tmp_path):
    added = """kind: design
  tags: [trap]
  as_of: 2026-07
  rubric:
    - {en: Asks first, zh: 先问清需求}"""
    text = changed("kind: concept", added)
    path = tmp_path / "vae.yaml"
    path.write_text(text.replace("Why does", "Why in 2025 does"), encoding="utf-8")
    (one,), found = bank.read([path])
    assert not found
    assert one.tags == ("trap",)
    assert one.rubric == (bank.Text("Asks first", "先问清需求"),)
    assert bank.ordinary([one]) == []
    assert one.is_dated and one.age(date(2026, 9, 30)) == 2


def test_a_year_in_brackets_belongs_to_a_citation(tmp_path):
    text = changed("learns whole regions", "learns whole regions (Kingma 2014)")
    assert faults(tmp_path, text) == []


def test_what_nobody_checked_for_long_is_stale(tmp_path):
    path = tmp_path / "vae.yaml"
    dates = {"vae-new": "2026-07", "vae-edge": "2025-05", "vae-old": "2025-04"}
    text = GOOD
    for name, month in dates.items():
        one = GOOD.replace("vae-why-sample", name)
        text += one.replace("kind: concept", f"kind: concept\n  as_of: {month}")
    path.write_text(text, encoding="utf-8")
    questions, found = bank.read([path])
    assert not found
    assert [one.id for one in bank.stale(questions, date(2026, 11, 1))] == ["vae-old"]
    assert [one.id for one in bank.stale(questions, date(2028, 2, 1))] == [
        "vae-old",
        "vae-edge",
        "vae-new",
    ]


def test_a_missing_language_is_named(tmp_path):
    found = faults(tmp_path, changed(", zh: 取均值。}", "}"))
    assert found == ["16: follow_ups[1].reply lacks the key 'zh': add `zh:`"]


def test_a_duplicate_id_names_both_places(tmp_path):
    (found,) = faults(tmp_path, GOOD + GOOD)
    assert found.startswith("25: id 'vae-why-sample' is taken by ")
    assert "vae.yaml:1" in found


def test_a_file_that_is_not_utf8(tmp_path):
    path = tmp_path / "vae.yaml"
    path.write_bytes(GOOD.encode("gb18030"))
    _, (found,) = bank.read([path])
    assert "is not UTF-8" in found.text


def test_a_file_that_is_missing(tmp_path):
    _, (found,) = bank.read([tmp_path / "vae.yaml"])
    assert "cannot be read" in found.text


def test_all_faults_of_all_files_are_reported(tmp_path):
    (tmp_path / "vae.yaml").write_text(changed("junior", "x"), encoding="utf-8")
    (tmp_path / "gan.yaml").write_text(changed("concept", "x"), encoding="utf-8")
    with pytest.raises(bank.BankError) as caught:
        bank.load(tmp_path)
    said = str(caught.value).splitlines()
    assert len(said) >= 3  # level, kind, and the topic of the second file
    assert all(".yaml:" in line for line in said)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(bank.BankError, match="holds no"):
        bank.load(tmp_path)


@pytest.mark.parametrize(
    ("number", "right"),
    [
        (bank.Number("0.223", "-math.log(0.8)"), True),
        (bank.Number("0.322", "-math.log(0.8)"), False),
        (bank.Number("0.322", "-math.log2(0.8)"), True),
        (bank.Number("1,568", "2 * 784"), True),
        (bank.Number("1.5e3", "1549"), True),
        (bank.Number("1.5e3", "1551"), False),
        (bank.Number("3", "undefined_name"), False),
        (
            bank.Number(
                "0.0",
                "metrics.kl_to_standard_normal(np.zeros((1, 2)), np.zeros((1, 2)))[0]",
            ),
            True,
        ),
    ],
)
def test_numbers_are_recomputed(number, right):
    assert (bank.number_fault(number) is None) == right


def test_a_missing_cell_is_named():
    cells = {"03_vae": {"the-lower-bound"}}
    assert bank.link_fault("03_vae#the-lower-bound", cells) is None
    assert "did you mean" in bank.link_fault("03_vae#the-lower-bonud", cells)
    assert "no lesson" in bank.link_fault("04_gan#x", cells)


def test_near_duplicates_are_found(tmp_path):
    other = GOOD.replace("vae-why-sample", "vae-again").replace("a VAE", "the VAE")
    third = GOOD.replace("vae-why-sample", "vae-other")
    third = third.replace("Why does a VAE draw its code at random?", "What is KL?")
    third = third.replace("So that the decoder learns whole regions.", "A distance.")
    path = tmp_path / "vae.yaml"
    path.write_text(GOOD + other + third, encoding="utf-8")
    questions, found = bank.read([path])
    assert not found
    ((similarity, one, two),) = bank.near_duplicates(questions)
    assert similarity > 0.8
    assert {one.id, two.id} == {"vae-why-sample", "vae-again"}


def test_the_module_prints_faults(tmp_path, capsys):
    path = tmp_path / "vae.yaml"
    path.write_text(changed("junior", "expert"), encoding="utf-8")
    command = [sys.executable, "-m", "digitdreams.interview.bank", str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert f"{path}:3: level is 'expert'" in run.stdout
    path.write_text(GOOD, encoding="utf-8")
    assert bank.main([str(path)]) == 0
    assert capsys.readouterr().out == "1 questions, 0 faults\n"
