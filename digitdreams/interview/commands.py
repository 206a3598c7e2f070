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
    from digitdreams.interview.search import Row

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


def known_value(
    what: str, value: str, known: tuple[str, ...], language: str = "en"
) -> str:
    """A filter's value in its usual spelling; an unknown one ends the command."""
    from digitdreams.interview import translations
    from digitdreams.interview.bank import suggestion

    wanted = value.strip().lower()
    for spelling in (wanted, wanted.replace("-", "_"), wanted.replace("-", " ")):
        if spelling in known:
            return spelling
    named = {translations.name(word, language): word for word in known}
    if value.strip() in named:  # as it is shown
        return named[value.strip()]
    listed = "\n".join(
        f"  {word}" if language == "en" or shown == word else f"  {word}：{shown}"
        for shown, word in named.items()
    )
    raise screen.failure(
        f"There is no {what} {value!r}{suggestion(wanted, known)}. Choose one of:\n"
        f"{listed}",
        language,
    )


def known_language(value: str) -> str:
    """A language of the bank; an unknown one ends the command."""
    wanted = value.strip().lower()
    if wanted in ("en", "zh"):
        return wanted
    raise fail(f"There is no language {value!r}. Choose one of:\n  en\n  zh")


class Filters:
    """A topic, level and kind to keep to; an unknown one ends the command."""

    def __init__(
        self,
        language: str,
        topic: str | None = None,
        level: str | None = None,
        kind: str | None = None,
    ):
        from digitdreams.interview import bank

        self.language = language
        given = {
            "topic": (topic, bank.TOPICS),
            "level": (level, bank.LEVELS),
            "kind": (kind, bank.KINDS),
        }
        self.wanted = {
            what: known_value(what, value, known, language)
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
            raise screen.failure(
                f"Nothing in the bank is {asked}: drop one of these filters.",
                self.language,
            )
        return fitting


def all_questions(language: str = "en") -> "list[Question]":
    """The bank; a broken one ends the command with every fault."""
    from digitdreams.interview import bank

    try:
        return bank.load()
    except bank.BankError as error:
        raise screen.failure(
            f"The bank of questions has {len(error.faults)} faults:\n{error}\n"
            "Repair these lines (or restore the files from git), then try again.",
            language,
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
    language = known_language(language)
    with screen.failures(language=language):
        from digitdreams.interview import search

        filters = Filters(language, topic, level, kind)
        selected = filters.select(all_questions(language))
        if as_json:
            print_json([question_data(question) for question in selected])
            return
        out, word = screen.console(), screen.words(language)
        last = None
        for question in selected:
            last = screen.show_topic(out, question.topic, last, language)
            names = f"{word[question.level]}{word['comma']}{word[question.kind]}"
            screen.say(out, f"{question.id}{word['detail'].format(parts=names)}")
            text = search.without_code(question.question.in_language(language))
            screen.show_dim(out, text, indent=2)
        out.print()
        screen.say(out, word["questions_count"].format(count=len(selected)))


@questions_app.command("search")
def search_questions(
    text: Annotated[
        list[str], typer.Argument(help='such as "mode collapse" or 判别器')
    ],
    language: Annotated[
        str | None, typer.Option(help="en or zh; else that of the words")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="how many at most")] = 8,
    as_json: AsJson = False,
) -> None:
    """Search questions and problems in both languages: a line each, and the best."""
    from digitdreams.interview import bank, search

    query = screen.clean(" ".join(text))
    if language is None:
        language = "zh" if bank.CHINESE.search(query) else "en"
    language = known_language(language)
    with screen.failures(language=language):
        try:
            rows = [hit.row for hit in search.find(query, limit)]
        except bank.BankError:
            all_questions(language)  # which says what is broken
            raise
        if as_json:
            print_json(rows_data(rows))
            return
        if not rows:
            raise screen.failure(
                f"Nothing was found for {query!r}: try fewer or other words.", language
            )
        show_rows(screen.console(), rows, language)


def rows_data(rows: "Sequence[Row]") -> list[dict[str, Any]]:
    """Questions and problems that were found, for tools."""
    questions = {question.id: question for question in all_questions()}
    return [
        {"problem": row.id, "topic": row.topic, "lesson": row.lesson}
        if row.is_problem
        else question_data(questions[row.id])
        for row in rows
    ]


def show_rows(out: Console, rows: "Sequence[Row]", language: str) -> None:
    """Print a line for each hit, and the best one's short answer and links."""
    from digitdreams.interview import translations, wrapping

    word = screen.words(language)
    for row in rows:
        line = f"{row.id}{word['colon']}{row.title.in_language(language)}"
        out.print(wrapping.Cut(line))
    best = next((row for row in rows if not row.is_problem), rows[0])
    out.print()
    names = (word[best.topic], word[best.level], word[best.kind], best.id)
    screen.show_dim(out, " · ".join(names))
    if best.is_problem:
        show, more = "problems", best.title.in_language(language)
    else:
        short = best.short.in_language(language)
        show, more = "questions", f"**{word['short']}**{word['colon']}{short}"
    out.print(screen.markdown(more))
    command = f"digitdreams {show} show {best.id}{translations.option(language)}"
    screen.show_dim(out, f"{word['more']}{word['colon']}{command}")
    screen.show_links(out, best.lesson, best.problem, language)


@questions_app.command("show")
def show_question(
    question_id: Annotated[str, typer.Argument(metavar="ID", help="see `list`")],
    language: Language = "en",
) -> None:
    """Show one question with answer, follow-ups and common wrong answers."""
    language = known_language(language)
    with screen.failures(language=language):
        from digitdreams.interview import bank, search

        known = {question.id: question for question in all_questions(language)}
        if question_id not in known:
            similar = bank.suggestion(question_id, known)
            raise screen.failure(
                f"There is no question {question_id!r}{similar}. "
                "`digitdreams questions list` shows all.",
                language,
            )
        out = screen.console()
        question = known[question_id]
        screen.show_question(out, question, language)
        out.print()
        problem = search.companion(question, present_problems())
        screen.show_answer(out, question, language, problem)


# digitdreams problems -----------------------------------------------------------------


def named_problem(name: str, language: str) -> "Problem":
    """The problem of this name; an unknown one ends the command."""
    from digitdreams.interview import problems

    with screen.failures(LookupError, language=language):
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
    language = known_language(language)
    with screen.failures(language=language):
        from digitdreams.interview import problems

        filters = Filters(language, topic, level)
        selected = filters.select(problems.load())
        selected = [problem for problem in selected if problem.is_hunt or not hunts]
        if as_json:
            print_json([problem_data(problem) for problem in selected])
            return
        out, word = screen.console(), screen.words(language)
        last = None
        for problem in selected:
            last = screen.show_topic(out, problem.topic, last, language)
            names = word[problem.level]
            if problem.is_hunt:
                names += f"{word['comma']}{word['bug hunt']}"
            screen.say(out, f"{problem.name}{word['detail'].format(parts=names)}")
            screen.show_dim(out, problem.title.in_language(language), indent=2)
        count = sum(problem.is_hunt for problem in selected)
        text = word["problems_count"].format(count=len(selected), hunts=count)
        out.print()
        screen.say(out, text)


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
    language = known_language(language)
    with screen.failures(language=language):
        problem = named_problem(name, language)
        screen.show_problem(screen.console(), problem, language)


@problems_app.command("start")
def start_problem(
    name: Name,
    notebook: Annotated[
        bool, typer.Option("--notebook", help="a notebook instead of a program")
    ] = False,
    language: Language = "en",
) -> None:
    """Copy a problem to my_work/problems/, never over an existing file."""
    from digitdreams.interview import practice, translations

    language = known_language(language)
    with screen.failures(practice.PracticeError, language=language):
        path = practice.start(named_problem(name, language), language, notebook)
        out, word = screen.console(), screen.words(language)
        out.print(word["written"].format(path=path), soft_wrap=True, markup=False)
        screen.say(out, word["fill_in"])
        command = f"digitdreams problems check {name}{translations.option(language)}"
        out.print(f"  {command}", soft_wrap=True, markup=False)


@problems_app.command("check")
def check_problem(
    name: Name,
    file: Annotated[
        Path | None, typer.Argument(help="instead of the one in my_work/problems/")
    ] = None,
    language: Language = "en",
) -> None:
    """Check your answer; a known mistake is named."""
    from digitdreams.interview import practice
    from digitdreams.interview.judging import State

    language = known_language(language)
    with screen.failures(practice.PracticeError, language=language):
        problem = named_problem(name, language)
        path = file or practice.find_file(name)
        if not path.is_file():
            raise screen.failure(f"{path} does not exist", language)
        out = screen.console()
        screen.show_checking(out, name, language)
        result = practice.check_file(problem, path.resolve(), language=language)
        screen.show_result(out, result, language)
    if result.state is not State.RIGHT:
        raise typer.Exit(1)


@problems_app.command("hint")
def hint_problem(
    name: Name,
    number: Annotated[int, typer.Argument(min=1, help="1 is the gentlest")] = 1,
    language: Language = "en",
) -> None:
    """Show a hint; they go from gentle to nearly the solution."""
    from digitdreams.interview import practice, translations

    language = known_language(language)
    with screen.failures(language=language):
        hints = named_problem(name, language).hints_in(language)
        number = min(number, len(hints))
        out, word = screen.console(), screen.words(language)
        screen.say(out, practice.numbered_hint(hints, number - 1, language))
        if number < len(hints):
            command = f"digitdreams problems hint {name} {number + 1}"
            command += translations.option(language)
            text = word["next"].format(command=command)
            out.print(text, style="dim", soft_wrap=True, markup=False)


# digitdreams quiz and progress --------------------------------------------------------


def opened_memory(progress: Path | None, language: str) -> "Memory":
    """The progress file; says so where a damaged one was put aside."""
    from digitdreams.interview import translations
    from digitdreams.interview.memory import Memory, MemoryFault

    with screen.failures(MemoryFault, language=language):
        memory = Memory(progress)
    if memory.note:
        note = translations.translated(memory.note, language)
        screen.say(screen.console(), note, "yellow")
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
    due: Annotated[
        bool, typer.Option("--due", help="only say what is due today")
    ] = False,
    restart: Annotated[
        bool, typer.Option("--restart", help="forget the quiz that was left")
    ] = False,
    progress: ProgressFile = None,
) -> None:
    """Drill the questions: answer, compare, rate; they come back when it is time."""
    language = known_language(language)
    with screen.failures(language=language):
        from datetime import UTC, datetime

        from digitdreams.interview import quiz
        from digitdreams.interview.memory import MemoryFault

        filters = Filters(language, topic, level, kind)
        selected = filters.drill(all_questions(language), traps)
        memory = opened_memory(progress, language)
        with screen.failures(MemoryFault, language=language):
            if due:
                deck = quiz.Deck(selected, memory.cards(), new)
                for line in quiz.agenda(deck, datetime.now(UTC), language):
                    screen.say(screen.console(), line)
                return
            session = quiz.Session(
                selected,
                present_problems(),
                memory,
                language,
                new,
                count,
                filters=[*filters.wanted.values(), *(["traps"] if traps else [])],
                restart=restart,
            )
            how = session.run()
        memory.close()
    if how == screen.CTRL_C:
        raise typer.Exit(screen.INTERRUPTED)


@progress_app.command("show")
def show_progress(
    as_json: AsJson = False, language: Language = "en", progress: ProgressFile = None
) -> None:
    """Show what you have seen, what is due and what you probably remember."""
    language = known_language(language)
    with screen.failures(language=language):
        from dataclasses import asdict
        from datetime import UTC, datetime

        from digitdreams.interview import quiz

        known = all_questions(language)
        memory = opened_memory(progress, language)
        content = quiz.statistics(known, memory, datetime.now(UTC))
        if as_json:
            print_json(asdict(content))
            return
        out, word = screen.console(), screen.words(language)
        out.print(quiz.table(content, language))
        ratings = word["comma"].join(
            f"{count} {word[name]}" for name, count in content.ratings.items()
        )
        out.print()
        screen.say(out, word["ratings"].format(ratings=ratings))
        minutes = f"{content.minutes:g}"
        screen.say(out, word["spent"].format(minutes=minutes, days=content.days))
        text = word["kept_in"].format(path=memory.path)
        out.print(text, style="dim", markup=False, soft_wrap=True)


FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="a JSON file")]


@progress_app.command("export")
def export_progress(
    file: FileArgument, language: Language = "en", progress: ProgressFile = None
) -> None:
    """Write all your ratings to a JSON file, never over an existing one."""
    language = known_language(language)
    with screen.failures(language=language):
        memory = opened_memory(progress, language)
        text = memory.as_json()
        try:
            with open(file, "x", encoding="utf-8") as stream:
                stream.write(text)
        except FileExistsError:
            raise screen.failure(
                f"{file} exists and stays as it is: name another file", language
            ) from None
        except OSError as error:
            reason = f"{file} cannot be written: {error.strerror}"
            raise screen.failure(reason, language) from None
        text = screen.words(language)["exported"].format(
            count=len(memory.reviews()), path=file
        )
        screen.console().print(text, markup=False, soft_wrap=True)


@progress_app.command("import")
def import_progress(
    file: FileArgument, language: Language = "en", progress: ProgressFile = None
) -> None:
    """Add the ratings of an exported file; those that are there stay."""
    language = known_language(language)
    with screen.failures(language=language):
        from digitdreams.interview.memory import MemoryFault

        try:
            text = file.read_text(encoding="utf-8-sig")
        except OSError as error:
            reason = f"{file} cannot be read: {error.strerror}"
            raise screen.failure(reason, language) from None
        except UnicodeDecodeError:
            reason = f"{file} cannot be used: it is not text in UTF-8"
            raise screen.failure(reason, language) from None
        memory = opened_memory(progress, language)
        try:
            with screen.failures(MemoryFault, language=language):
                added = memory.merge(text)
        except ValueError as error:
            reason = f"{file} cannot be used: {error}. Nothing was added."
            raise screen.failure(reason, language) from None
        out = screen.console()
        screen.say(out, screen.words(language)["imported"].format(count=added))


# digitdreams interview and anki -------------------------------------------------------


def mock_interview(
    role: Annotated[
        str | None,
        typer.Option(
            help="research scientist, applied scientist, ML engineer or multimodal "
            "LLM engineer"
        ),
    ] = None,
    length: Annotated[
        str, typer.Option(help="screen (30 min), round (45), long (60) or loop (180)")
    ] = "round",
    minutes: Annotated[
        int | None, typer.Option(min=10, max=180, help="instead of a length")
    ] = None,
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
    language = known_language(language)
    with screen.failures(language=language):
        import secrets

        from digitdreams.interview import bank, mock, practice, roles

        filters = Filters(language, topic)
        level = known_value("level", level, bank.LEVELS, language)
        length = known_value("length", length, tuple(roles.LENGTHS), language)
        chosen = roles.ANY
        if role is not None:
            known = tuple(roles.ROLES)
            chosen = roles.ROLES[known_value("role", role, known, language)]
        questions = filters.drill(all_questions(language), traps)
        problems = present_problems()
        if not problems:
            text = screen.words(language)["no_problems"]
            screen.show_dim(screen.console(), text)
        plan = mock.Plan(
            minutes=minutes or roles.LENGTHS[length],
            level=level,
            seed=secrets.randbelow(10_000) if seed is None else seed,
            role=chosen,
        )
        items = plan.draw(questions, filters.fitting(problems) or problems)
        with screen.failures(practice.PracticeError, language=language):
            interview = mock.Interview(
                plan,
                items,
                problems,
                language=language,
                notebook=notebook,
                folder=folder.resolve() if folder else None,
                topic=filters.wanted.get("topic"),
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
    spoken = known_language(language) if language else "en"
    with screen.failures(language=spoken):
        from digitdreams.interview import bank, cards

        filters = Filters(spoken, topic)
        languages = (spoken,) if language else bank.LANGUAGES
        if file.suffix != ".apkg":
            reason = f"{file} must end in .apkg, or Anki does not open it"
            raise screen.failure(reason, spoken)
        if not file.parent.is_dir():
            reason = f"{file} cannot be written: there is no folder {file.parent}"
            raise screen.failure(reason, spoken)
        questions = filters.drill(all_questions(spoken), traps)
        try:
            count = cards.write(questions, file, languages)
        except OSError as error:
            reason = f"{file} cannot be written: {error.strerror}"
            raise screen.failure(reason, spoken) from None
        text = screen.words(spoken)["deck_written"].format(count=count, path=file)
        screen.console().print(text, markup=False, soft_wrap=True)
