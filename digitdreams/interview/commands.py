"""The commands of the interview room, registered by `digitdreams.cli`.

What a command needs is imported inside it, so that `digitdreams --help` stays quick.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console

from digitdreams.console import fail
from digitdreams.interview import screen

if TYPE_CHECKING:
    from digitdreams.interview.bank import Question
    from digitdreams.interview.memory import Memory
    from digitdreams.interview.problems import Entry, Problem

Item = TypeVar("Item", bound="Entry")

questions_app = typer.Typer(help="The bank of questions.", no_args_is_help=True)
progress_app = typer.Typer(
    help="What the quiz remembers of your answers.", no_args_is_help=True
)
problems_app = typer.Typer(
    help="Coding problems and bug hunts, checked.", no_args_is_help=True
)

Topic = Annotated[str | None, typer.Option(help="such as vae, gan or metrics")]
Level = Annotated[str | None, typer.Option(help="junior, middle or senior")]
Kind = Annotated[str | None, typer.Option(help="such as concept, number or trap")]
Traps = Annotated[
    bool, typer.Option("--traps", help="also those that rebut rarely met texts")
]
ProgressFile = Annotated[
    Path | None, typer.Option("--progress", help="instead of the usual file")
]
Language = Annotated[str, typer.Option(help="en or zh")]
AsJson = Annotated[bool, typer.Option("--json", help="for tools: one JSON document")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="see `problems list`")]


def register(app: typer.Typer) -> None:
    """Add the interview room's commands to `digitdreams`."""
    app.add_typer(questions_app, name="questions")
    app.add_typer(problems_app, name="problems")
    app.command("quiz")(take_quiz)
    app.add_typer(progress_app, name="progress")
    app.command("interview")(mock_interview)
    app.command("anki")(write_deck)


# What commands share ------------------------------------------------------------------


def known_value(what: str, value: str, known: tuple[str, ...]) -> str:
    """A filter's value in its usual spelling; an unknown one ends the command."""
    from digitdreams.interview.bank import suggestion

    wanted = value.strip().lower()
    for spelling in (wanted, wanted.replace("-", "_"), wanted.replace("-", " ")):
        if spelling in known:
            return spelling
    listed = "\n".join(f"  {word}" for word in known)
    raise fail(
        f"There is no {what} {value!r}{suggestion(wanted, known)}. Choose one of:\n"
        f"{listed}"
    )


def known_language(value: str) -> str:
    """A language of the bank; an unknown one ends the command."""
    from digitdreams.interview import bank

    return known_value("language", value, bank.LANGUAGES)


class Filters:
    """A topic, level and kind to keep to; an unknown one ends the command."""

    def __init__(
        self,
        topic: str | None = None,
        level: str | None = None,
        kind: str | None = None,
    ):
        from digitdreams.interview import bank

        given = {
            "topic": (topic, bank.TOPICS),
            "level": (level, bank.LEVELS),
            "kind": (kind, bank.KINDS),
        }
        self.wanted = {
            what: known_value(what, value, known)
            for what, (value, known) in given.items()
            if value is not None
        }

    def fitting(self, items: Sequence[Item]) -> list[Item]:
        """The questions or problems that fit."""
        return [
            item
            for item in items
            if all(getattr(item, key) == value for key, value in self.wanted.items())
        ]

    def drill(self, questions: "Sequence[Question]", traps: bool) -> "list[Question]":
        """What is asked: with `traps`, or where only traps fit, those too."""
        from digitdreams.interview import bank

        fitting = self.select(questions)
        return fitting if traps else bank.ordinary(fitting) or fitting

    def select(self, items: Sequence[Item]) -> list[Item]:
        """The questions or problems that fit; none at all ends the command."""
        fitting = self.fitting(items)
        if not fitting:
            asked = ", ".join(self.wanted.values())
            raise fail(f"Nothing in the bank is {asked}: drop one of these filters.")
        return fitting


def all_questions() -> "list[Question]":
    """The bank; a broken one ends the command with every fault."""
    from digitdreams.interview import bank

    try:
        return bank.load()
    except bank.BankError as error:
        raise fail(
            f"The bank of questions has {len(error.faults)} faults:\n{error}\n"
            "Repair these lines (or restore the files from git), then try again."
        ) from None


def present_problems() -> "list[Problem]":
    """All problems; none where this copy of the course was made without them."""
    from digitdreams.interview import problems

    return problems.load() if problems.present() else []


def print_json(content: object) -> None:
    """Print a document for tools."""
    typer.echo(json.dumps(content, ensure_ascii=False, indent=2))


def question_data(question: "Question") -> dict[str, Any]:
    """A question for tools: all its texts in both languages."""
    from dataclasses import asdict

    content = asdict(question)
    for internal in ("numbers", "place"):
        del content[internal]
    return content


# digitdreams questions ----------------------------------------------------------------


@questions_app.command("list")
def list_questions(
    topic: Topic = None,
    level: Level = None,
    kind: Kind = None,
    language: Language = "en",
    as_json: AsJson = False,
) -> None:
    """List the questions, by topic."""
    with screen.failures():
        from digitdreams.interview import formula

        filters, language = Filters(topic, level, kind), known_language(language)
        selected = filters.select(all_questions())
        if as_json:
            print_json([question_data(question) for question in selected])
            return
        out = screen.console()
        last = None
        for question in selected:
            last = screen.show_topic(out, question.topic, last)
            label = f"{question.id}  ({question.level}, {question.kind})"
            out.print(label, markup=False)
            text = formula.as_text(question.question.in_language(language))
            screen.show_dim(out, f"  {text}")
        out.print(f"\n{len(selected)} questions")


@questions_app.command("search")
def search_questions(
    text: Annotated[
        list[str], typer.Argument(help='such as "mode collapse" or 判别器')
    ],
    language: Annotated[
        str | None, typer.Option(help="en or zh; else that of the words")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="how many at most")] = 5,
    as_json: AsJson = False,
) -> None:
    """Search questions and problems in both languages."""
    with screen.failures():
        from digitdreams.interview import bank, search

        query = " ".join(text)
        if language is None:
            language = "zh" if bank.CHINESE.search(query) else "en"
        language = known_language(language)
        problems = present_problems()
        index = search.Index(all_questions(), problems)
        items = [hit.item for hit in index.search(query, limit)]
        if as_json:
            print_json([item_data(item, problems) for item in items])
            return
        out = screen.console()
        if not items:
            raise fail(f"Nothing was found for {query!r}: try fewer or other words.")
        for number, item in enumerate(items):
            if number:
                out.rule(style="dim")
            show_item(out, item, problems, language)


def item_data(item: "Entry", problems: "list[Problem]") -> dict[str, Any]:
    """A question or a problem for tools."""
    from digitdreams.interview import search
    from digitdreams.interview.problems import Problem

    if isinstance(item, Problem):
        return {"problem": item.name, "topic": item.topic, "lesson": item.lesson}
    problem = search.companion(item, problems)
    return {**question_data(item), "problem": problem.name if problem else None}


def show_item(
    out: Console, item: "Entry", problems: "list[Problem]", language: str
) -> None:
    """Print a question with its short and long answer, or a problem."""
    from digitdreams.interview import search
    from digitdreams.interview.problems import Problem

    if isinstance(item, Problem):
        screen.show_problem(out, item, language)
        screen.show_start(out, item, language)
        return
    screen.show_question(out, item, language)
    out.print()
    problem = search.companion(item, problems)
    screen.show_answer(out, item, language, problem, whole=False)


@questions_app.command("show")
def show_question(
    question_id: Annotated[str, typer.Argument(metavar="ID", help="see `list`")],
    language: Language = "en",
) -> None:
    """Show one question with answer, follow-ups and common wrong answers."""
    with screen.failures():
        from digitdreams.interview import bank, search

        language = known_language(language)
        known = {question.id: question for question in all_questions()}
        if question_id not in known:
            similar = bank.suggestion(question_id, known)
            raise fail(
                f"There is no question {question_id!r}{similar}. "
                "`digitdreams questions list` shows all."
            )
        out = screen.console()
        question = known[question_id]
        screen.show_question(out, question, language)
        out.print()
        problem = search.companion(question, present_problems())
        screen.show_answer(out, question, language, problem)


# digitdreams problems -----------------------------------------------------------------


def named_problem(name: str) -> "Problem":
    """The problem of this name; an unknown one ends the command."""
    from digitdreams.interview import problems

    with screen.failures(LookupError):
        return problems.find(name)


@problems_app.command("list")
def list_problems(
    topic: Topic = None,
    level: Level = None,
    hunts: Annotated[bool, typer.Option("--hunts", help="bug hunts only")] = False,
    language: Language = "en",
    as_json: AsJson = False,
) -> None:
    """List the coding problems and bug hunts, by topic."""
    with screen.failures():
        from digitdreams.interview import problems

        filters, language = Filters(topic, level), known_language(language)
        selected = filters.select(problems.load())
        selected = [problem for problem in selected if problem.is_hunt or not hunts]
        if as_json:
            print_json([problem_data(problem) for problem in selected])
            return
        out = screen.console()
        last = None
        for problem in selected:
            last = screen.show_topic(out, problem.topic, last)
            hunt = ", bug hunt" if problem.is_hunt else ""
            out.print(f"{problem.name}  ({problem.level}{hunt})", markup=False)
            screen.show_dim(out, f"  {problem.title.in_language(language)}")
        count = sum(problem.is_hunt for problem in selected)
        out.print(f"\n{len(selected)} problems, {count} of them bug hunts")


def problem_data(problem: "Problem") -> dict[str, Any]:
    """A problem for tools, without its statement."""
    return {
        "name": problem.name,
        "topic": problem.topic,
        "level": problem.level,
        "hunt": problem.is_hunt,
        "lesson": problem.lesson,
        "title": {"en": problem.title.en, "zh": problem.title.zh},
    }


@problems_app.command("show")
def show_problem(name: Name, language: Language = "en") -> None:
    """Show a problem's statement, limits and examples."""
    with screen.failures():
        language = known_language(language)
        screen.show_problem(screen.console(), named_problem(name), language)


@problems_app.command("start")
def start_problem(
    name: Name,
    notebook: Annotated[
        bool, typer.Option("--notebook", help="a notebook instead of a program")
    ] = False,
    language: Language = "en",
) -> None:
    """Copy a problem to my_work/problems/, never over an existing file."""
    from digitdreams.interview import practice

    with screen.failures(practice.PracticeError):
        language = known_language(language)
        path = practice.start(named_problem(name), language, notebook)
        out = screen.console()
        out.print(f"Written to {path}", soft_wrap=True, markup=False)
        out.print("Fill in the function, then type:")
        out.print(f"  digitdreams problems check {name}", soft_wrap=True)


@problems_app.command("check")
def check_problem(
    name: Name,
    file: Annotated[
        Path | None, typer.Argument(help="instead of the one in my_work/problems/")
    ] = None,
) -> None:
    """Check your answer; a known mistake is named."""
    from digitdreams.interview import practice
    from digitdreams.interview.judging import State

    with screen.failures(practice.PracticeError):
        problem = named_problem(name)
        path = file or practice.find_file(name)
        if not path.is_file():
            raise fail(f"{path} does not exist")
        result = practice.check_file(problem, path.resolve())
        screen.show_result(screen.console(), result)
    if result.state is not State.RIGHT:
        raise typer.Exit(1)


@problems_app.command("hint")
def hint_problem(
    name: Name,
    number: Annotated[int, typer.Argument(min=1, help="1 is the gentlest")] = 1,
) -> None:
    """Show a hint; they go from gentle to nearly the solution."""
    with screen.failures():
        hints = named_problem(name).hints
        number = min(number, len(hints))
        out = screen.console()
        out.print(f"Hint {number} of {len(hints)}: {hints[number - 1]}", markup=False)
        if number < len(hints):
            more = f"digitdreams problems hint {name} {number + 1}"
            out.print(f"Next: {more}", style="dim", soft_wrap=True)


# digitdreams quiz and progress --------------------------------------------------------


def opened_memory(progress: Path | None) -> "Memory":
    """The progress file; says so where a damaged one was put aside."""
    from digitdreams.interview.memory import Memory, MemoryFault

    with screen.failures(MemoryFault):
        memory = Memory(progress)
    if memory.note:
        screen.console().print(memory.note, style="yellow", markup=False)
    return memory


def take_quiz(
    topic: Topic = None,
    level: Level = None,
    kind: Kind = None,
    language: Language = "en",
    new: Annotated[int, typer.Option(min=0, help="new questions at most")] = 10,
    count: Annotated[
        int | None, typer.Option(min=1, help="stop after so many ratings")
    ] = None,
    traps: Traps = False,
    progress: ProgressFile = None,
) -> None:
    """Drill the questions: answer, compare, rate; they come back when it is time."""
    with screen.failures():
        from digitdreams.interview import quiz
        from digitdreams.interview.memory import MemoryFault

        filters, language = Filters(topic, level, kind), known_language(language)
        selected = filters.drill(all_questions(), traps)
        problems = present_problems()
        memory = opened_memory(progress)
        session = quiz.Session(selected, problems, memory, language, new, count)
        with screen.failures(MemoryFault):
            how = session.run()
        memory.close()
    if how == screen.CTRL_C:
        raise typer.Exit(screen.INTERRUPTED)


@progress_app.command("show")
def show_progress(as_json: AsJson = False, progress: ProgressFile = None) -> None:
    """Show what you have seen, what is due and what you probably remember."""
    with screen.failures():
        from dataclasses import asdict
        from datetime import UTC, datetime

        from digitdreams.interview import quiz

        known = all_questions()
        memory = opened_memory(progress)
        content = quiz.statistics(known, memory, datetime.now(UTC))
        if as_json:
            print_json(asdict(content))
            return
        out = screen.console()
        out.print(quiz.table(content))
        ratings = ", ".join(f"{n} {name}" for name, n in content.ratings.items())
        out.print(f"\nRatings: {ratings}")
        out.print(f"{content.minutes:g} minutes on {content.days} day(s)")
        out.print(f"Kept in {memory.path}", style="dim", markup=False, soft_wrap=True)


FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="a JSON file")]


@progress_app.command("export")
def export_progress(file: FileArgument, progress: ProgressFile = None) -> None:
    """Write all your ratings to a JSON file, never over an existing one."""
    with screen.failures():
        memory = opened_memory(progress)
        text = memory.as_json()
        try:
            with open(file, "x", encoding="utf-8") as stream:
                stream.write(text)
        except FileExistsError:
            raise fail(f"{file} exists and stays as it is: name another file") from None
        except OSError as error:
            raise fail(f"{file} cannot be written: {error.strerror}") from None
        count = len(memory.reviews())
        screen.console().print(f"{count} ratings written to {file}", markup=False)


@progress_app.command("import")
def import_progress(file: FileArgument, progress: ProgressFile = None) -> None:
    """Add the ratings of an exported file; those that are there stay."""
    with screen.failures():
        from digitdreams.interview.memory import MemoryFault

        try:
            text = file.read_text(encoding="utf-8")
        except OSError as error:
            raise fail(f"{file} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise fail(f"{file} cannot be used: it is not text in UTF-8") from None
        memory = opened_memory(progress)
        try:
            with screen.failures(MemoryFault):
                added = memory.merge(text)
        except ValueError as error:
            raise fail(f"{file} cannot be used: {error}. Nothing was added.") from None
        screen.console().print(f"{added} ratings added")


# digitdreams interview and anki -------------------------------------------------------


def mock_interview(
    minutes: Annotated[int, typer.Option(min=10, max=180)] = 45,
    level: Annotated[str, typer.Option(help="junior, middle or senior")] = "middle",
    seed: Annotated[
        int | None, typer.Option(min=0, help="the same seed asks the same")
    ] = None,
    topic: Topic = None,
    language: Language = "en",
    traps: Traps = False,
    notebook: Annotated[
        bool, typer.Option("--notebook", help="code in a notebook, not a program")
    ] = False,
    folder: Annotated[
        Path | None, typer.Option(help="for code and report; else my_work/interviews/")
    ] = None,
) -> None:
    """A mock interview with a report: what went well and what to study."""
    with screen.failures():
        import secrets

        from digitdreams.interview import bank, mock, practice

        filters, language = Filters(topic), known_language(language)
        level = known_value("level", level, bank.LEVELS)
        questions, problems = filters.drill(all_questions(), traps), present_problems()
        if not problems:
            text = "This copy of the course holds no problems: no coding part follows."
            screen.show_dim(screen.console(), text)
        coding = filters.fitting(problems) or problems
        seed = secrets.randbelow(10_000) if seed is None else seed
        items = mock.plan(questions, coding, minutes, level, seed)
        with screen.failures(practice.PracticeError):
            interview = mock.Interview(
                items,
                problems,
                minutes=minutes,
                level=level,
                seed=seed,
                language=language,
                notebook=notebook,
                folder=folder.resolve() if folder else None,
            )
            how = interview.run()
    if how == screen.CTRL_C:
        raise typer.Exit(screen.INTERRUPTED)


def write_deck(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="such as out.apkg")],
    topic: Topic = None,
    language: Annotated[str | None, typer.Option(help="en or zh; else both")] = None,
    traps: Traps = False,
) -> None:
    """Write the questions as a deck for Anki; importing it again updates the cards."""
    with screen.failures():
        from digitdreams.interview import bank, cards

        filters = Filters(topic)
        languages = (known_language(language),) if language else bank.LANGUAGES
        if file.suffix != ".apkg":
            raise fail(f"{file} must end in .apkg, or Anki does not open it")
        if not file.parent.is_dir():
            raise fail(f"{file} cannot be written: there is no folder {file.parent}")
        questions = filters.drill(all_questions(), traps)
        try:
            count = cards.write(questions, file, languages)
        except OSError as error:
            raise fail(f"{file} cannot be written: {error.strerror}") from None
        screen.console().print(
            f"{count} notes written to {file}. In Anki: File, Import.", markup=False
        )
