"""Pages of the interview room: the questions as a drill, the coding problems."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from html import escape
from pathlib import Path

from digitdreams.authoring.site.formulas import rendered
from digitdreams.authoring.site.notebooks import anchor, folded, hint_text
from digitdreams.interview import problems as problem_bank
from digitdreams.interview.bank import Question
from digitdreams.interview.problems import Problem
from digitdreams.interview.roles import ROLES

# What pages call a topic, where that is more than its words.
TOPICS = {
    "vae": "VAE",
    "gan": "GAN",
    "conditional": "Conditional models",
    "autoregressive": "Autoregressive models",
    "diffusion_flow": "Diffusion and flow",
    "cost_scale": "Cost and scale",
    "privacy_responsibility": "Privacy and responsibility",
    "control_adapters": "Control and adapters",
    "diffusion_architectures": "Diffusion architectures",
    "samplers_distillation": "Samplers and distillation",
    "data_captions": "Data and captions",
    "safety_copyright": "Safety and copyright",
    "llm_engineering": "LLM engineering",
}
# What pages call a role.
ROLE_NAMES = {
    "research_scientist": "research scientist",
    "applied_scientist": "applied scientist",
    "ml_engineer": "ML engineer",
    "multimodal_llm_engineer": "multimodal LLM engineer",
}
FORMULA = re.compile(r"(?<![\\$\w])\$([^$\s][^$]*?)\$(?![\d\w])")
Say = Callable[[str], str]  # a sentence in the page's language
DRILL = "questions/index"


def heading(text: str) -> str:
    """Markdown as a page's title: one line."""
    return "# " + " ".join(text.split())


def topic_name(topic: str) -> str:
    """A topic as pages call it, in English."""
    return TOPICS.get(topic, topic.replace("_", " ").capitalize())


def attributes(**values: str) -> str:
    """Attributes of an HTML element."""
    return " ".join(f'data-{name}="{value}"' for name, value in values.items())


def question_page(
    question: Question, language: str, say: Say, lessons: Collection[str]
) -> str:
    """A question of the drill; its answers are folded.

    Args:
        question: from the bank.
        language: "en" or "zh".
        say: gives the words of the page.
        lessons: the lessons that the book has, such as `03_vae`.
    """
    facts = [say(topic_name(question.topic)), say(question.level), say(question.kind)]
    title, rest = title_and_rest(question.question.in_language(language))
    parts = [
        f"---\norphan: true\n---\n\n{heading(title)}",
        f'<div class="facts">{" · ".join(facts)}</div>',
        rest,
        folded(say("In short"), question.short.in_language(language).strip(), "short"),
        folded(say("Answer"), answer(question, language, say), "answer"),
    ]
    stem, _, cell = (question.lesson or "").partition("#")
    if stem in lessons:
        parts.append(lesson_link(stem, cell, language, say))
    if question.as_of:
        checked = f"{say('Checked for')} {question.as_of}"
        parts.append(f'<p class="facts">{checked}</p>')
    parts.append(f'<div class="rating" {attributes(question=question.id)}></div>')
    return "\n\n".join(parts) + "\n"


def title_and_rest(text: str) -> tuple[str, str]:
    """A question's first paragraph, which is its page's title, and the rest."""
    first, _, rest = text.strip().partition("\n\n")
    return one_line(first), rest.strip()


def answer(question: Question, language: str, say: Say) -> str:
    """The whole answer, what comes next and what is often said wrongly."""
    parts = [question.answer.in_language(language).strip()]
    if question.follow_ups:
        parts.append(f"**{say('Follow-ups')}**")
        parts += [
            folded(
                one_line(one.question.in_language(language)),
                one.reply.in_language(language).strip(),
                "follow-up",
            )
            for one in question.follow_ups
        ]
    if question.wrong:
        parts.append(f"**{say('Common wrong answers')}**")
        parts += [
            item(
                f"*{one_line(one.claim.in_language(language))}* "
                + one_line(one.why.in_language(language))
            )
            for one in question.wrong
        ]
    if question.rubric:
        parts.append(f"**{say('What earns points (0, 1 or 2 each)')}**")
        points = (one.in_language(language) for one in question.rubric)
        parts.append("\n".join(item(one_line(one)) for one in points))
    if question.sources:
        parts.append(f"**{say('Sources')}**")
        parts.append("\n".join(item(one_line(one)) for one in question.sources))
    return "\n\n".join(parts)


def item(text: str) -> str:
    """An item of a list."""
    return f"- {text}"


def one_line(text: str) -> str:
    """Text without line breaks."""
    return " ".join(text.split())


def lesson_link(stem: str, cell: str, language: str, say: Say) -> str:
    """Where a lesson shows it: the lessons are in English."""
    up = "../" if language == "en" else "../../en/"
    words = say("Where a lesson shows it")
    address = f"{up}lessons/{stem}.html#{anchor(cell)}"
    return f'<p class="shown"><a href="{address}">{words}</a></p>'


def drill_page(
    questions: Iterable[Question], language: str, say: Say, topics: Iterable[str]
) -> str:
    """The list of all questions with filters; the page's script drills them."""
    found = list(questions)
    parts = [
        heading(say("Question bank")),
        say(
            "Filter, choose a question, answer it aloud, then unfold the answer and "
            "rate yourself. Ratings stay in this browser. Export them and type "
            "`digitdreams progress import FILE`, and `digitdreams quiz` goes on from "
            "there."
        ),
        '<div id="drill"></div>',
    ]
    for topic in topics:
        of_topic = [one for one in found if one.topic == topic]
        if not of_topic:
            continue
        lines = "\n".join(listed(one, language) for one in of_topic)
        parts.append(f"## {say(topic_name(topic))}")
        parts.append(f'<ul class="questions">\n{lines}\n</ul>')
    return "\n\n".join(parts) + "\n"


def listed(question: Question, language: str) -> str:
    """A question in the list, with what the filters look at."""
    facts = attributes(
        id=question.id,
        topic=question.topic,
        level=question.level,
        kind=question.kind,
        role=",".join(roles_of(question)),
        tags=",".join(question.tags),
    )
    title, _ = title_and_rest(question.question.in_language(language))
    words = in_html(title)
    return f'<li {facts}><a href="{question.id}.html">{words}</a></li>'


def roles_of(question: Question) -> list[str]:
    """The names of the roles whose interviews turn on a question's topic."""
    return [
        ROLE_NAMES[one.name] for one in ROLES.values() if question.topic in one.topics
    ]


def in_html(text: str) -> str:
    """A paragraph of Markdown inside a line of HTML: text and formulas alone."""
    parts = FORMULA.split(text)  # text and formulas in turn
    shown = [escape(one.replace("`", "").replace("**", "")) for one in parts[::2]]
    shown[1:] = [
        rendered(formula) + after
        for formula, after in zip(parts[1::2], shown[1:], strict=True)
    ]
    return "".join(shown)


def write_questions(
    folder: Path,
    questions: tuple[Question, ...],
    language: str,
    say: Say,
    lessons: Collection[str],
) -> None:
    """Write the drill and a page for each question into `folder`/questions."""
    place = folder / "questions"
    place.mkdir(parents=True, exist_ok=True)
    topics = list(dict.fromkeys(one.topic for one in questions))
    (place / "index.md").write_text(
        drill_page(questions, language, say, topics), encoding="utf-8"
    )
    for one in questions:
        (place / f"{one.id}.md").write_text(
            question_page(one, language, say, lessons), encoding="utf-8"
        )


def script_words(say: Say) -> dict[str, str]:
    """What the drill's script says: English and the page's language."""
    words = (
        "all",
        "Topic",
        "Level",
        "Kind",
        "Role",
        "Rated",
        "not yet",
        "again",
        "hard",
        "good",
        "easy",
        "How well did you know it?",
        "Next question",
        "All questions",
        "Export ratings",
        "Forget all ratings",
        "Forget the ratings that this browser keeps?",
        "{shown} of {all} questions, {rated} rated",
        "A random one of these",
        "also those that rebut texts that few readers meet",
        *ROLE_NAMES.values(),
        "Copy",
        "Copied",
    )
    return {word: say(word) for word in words}


# Coding problems ----------------------------------------------------------------------


def write_problems(folder: Path, say: Say) -> None:
    """Write one page a topic with its problems, and their list."""
    place = folder / "problems"
    place.mkdir(parents=True, exist_ok=True)
    found = problem_bank.load()
    topics = list(dict.fromkeys(one.topic for one in found))
    for topic in topics:
        parts = [heading(say(topic_name(topic)))]
        for one in found:
            if one.topic == topic:
                parts += problem_parts(one, say)
        (place / f"{topic}.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    listed = "\n".join(topics)
    (place / "index.md").write_text(
        "\n\n".join(
            [
                heading("Coding problems"),
                f"{len(found)} problems and bug hunts. `digitdreams problems start "
                "NAME` copies one to `my_work/`, `digitdreams problems check NAME` "
                "says whether your answer is right and often which mistake was made.",
                f"```{{toctree}}\n:maxdepth: 2\n\n{listed}\n```",
            ]
        )
        + "\n",
        encoding="utf-8",
    )


def problem_parts(problem: Problem, say: Say) -> Iterator[str]:
    """A problem: what to write, examples, folded hints, and how to begin."""
    yield f"## {problem.title.en}"
    kind = say("bug hunt") if problem.is_hunt else say("problem")
    yield f'<div class="facts">{say(problem.level)} · {kind}</div>'
    yield problem.statement.en.strip()
    yield problem.limits.en.strip()
    if problem.broken:
        yield f"```python\n{problem.broken.strip()}\n```"
    if problem.examples:
        yield "```text\n" + "\n".join(problem.examples) + "\n```"
    for number, hint in enumerate(problem.hints, start=1):
        yield folded(f"Hint {number} of {len(problem.hints)}", hint_text(hint))
    command = f"digitdreams problems start {problem.name}"
    yield f'<p><button class="copies" type="button" data-copy="{command}">'
    yield f"<code>{command}</code><span>{say('Copy')}</span></button></p>"
