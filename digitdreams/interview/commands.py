"""The commands of the interview room, registered by `digitdreams.cli`.

What a command needs is imported inside it, so that `digitdreams --help` stays quick.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from digitdreams.interview import screen
from digitdreams.interview.screen import fail

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


def one_of(what: str, value: str | None, known: tuple[str, ...]) -> str | None:
    """A filter's value in its usual spelling; an unknown one ends the command."""
    if value is None:
        return None
    from digitdreams.interview.bank import near

    wanted = value.strip().lower()
    for spelling in (wanted, wanted.replace("-", "_"), wanted.replace("-", " ")):
        if spelling in known:
            return spelling
    listed = "\n".join(f"  {one}" for one in known)
    raise fail(
        f"There is no {what} {value!r}{near(wanted, known)}. Choose one of:\n{listed}"
    )


def checked(
    topic: str | None, level: str | None, kind: str | None, language: str
) -> tuple[str | None, str | None, str | None, str]:
    """The filters, each known; otherwise the command ends with the list."""
    from digitdreams.interview import bank

    return (
        one_of("topic", topic, bank.TOPICS),
        one_of("level", level, bank.LEVELS),
        one_of("kind", kind, bank.KINDS),
        one_of("language", language, bank.LANGUAGES),
    )


def all_questions() -> list:
    """The bank; a broken one ends the command with every fault."""
    from digitdreams.interview import bank

    try:
        return bank.load()
    except bank.BankError as error:
        raise fail(
            f"The bank of questions has {len(error.faults)} faults:\n{error}\n"
            "Repair these lines (or restore the files from git), then try again."
        ) from None


def filtered(items: list, topic: str | None, level: str | None, kind=None) -> list:
    """Those of a topic, level and kind; none at all ends the command."""
    found = [
        one
        for one in items
        if topic in (None, one.topic)
        and level in (None, one.level)
        and kind in (None, getattr(one, "kind", None))
    ]
    if not found:
        asked = ", ".join(word for word in (topic, level, kind) if word)
        raise fail(f"Nothing in the bank is {asked}: drop one of these filters.")
    return found


def print_json(content) -> None:
    typer.echo(json.dumps(content, ensure_ascii=False, indent=2))


def as_data(question) -> dict:
    """A question for tools: all its texts in both languages."""

    def both(text) -> dict:
        return {"en": text.en, "zh": text.zh}

    return {
        "id": question.id,
        "topic": question.topic,
        "level": question.level,
        "kind": question.kind,
        "lesson": question.lesson,
        "question": both(question.question),
        "short": both(question.short),
        "answer": both(question.answer),
        "follow_ups": [
            {"question": both(one.question), "reply": both(one.reply)}
            for one in question.follow_ups
        ],
        "wrong": [
            {"claim": both(one.claim), "why": both(one.why)} for one in question.wrong
        ],
        "sources": list(question.sources),
    }


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

        topic, level, kind, language = checked(topic, level, kind, language)
        found = filtered(all_questions(), topic, level, kind)
        if as_json:
            print_json([as_data(one) for one in found])
            return
        out = screen.console()
        last = None
        for one in found:
            if one.topic != last:
                out.print(f"\n{one.topic}", style="bold", markup=False)
                last = one.topic
            out.print(f"{one.id}  ({one.level}, {one.kind})", markup=False)
            text = formula.as_text(one.question.in_language(language))
            out.print(f"  {text}", style="dim", markup=False)
        out.print(f"\n{len(found)} questions")


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
        from digitdreams.interview import bank, problems, search

        query = " ".join(text)
        if language is None:
            language = "zh" if bank.CHINESE.search(query) else "en"
        language = one_of("language", language, bank.LANGUAGES)
        known, coding = all_questions(), problems.load()
        index = search.Index(known, coding)
        found = [hit.item for hit in index.search(query, limit)]
        if as_json:
            print_json([found_data(one, coding) for one in found])
            return
        out = screen.console()
        if not found:
            raise fail(f"Nothing was found for {query!r}: try fewer or other words.")
        for number, one in enumerate(found):
            if number:
                out.rule(style="dim")
            show_hit(out, one, coding, language)


def found_data(item, coding: list) -> dict:
    """A hit of the search for tools."""
    from digitdreams.interview import problems, search

    if isinstance(item, problems.Problem):
        return {"problem": item.name, "topic": item.topic, "lesson": item.lesson}
    practised = search.companion(item, coding)
    return {**as_data(item), "problem": practised.name if practised else None}


def show_hit(out, item, coding: list, language: str) -> None:
    """Print one hit of the search."""
    from digitdreams.interview import problems, search

    if isinstance(item, problems.Problem):
        screen.show_problem(out, item, language)
        screen.show_start(out, item, language)
        return
    screen.show_question(out, item, language)
    out.print()
    practised = search.companion(item, coding)
    screen.show_answer(out, item, language, practised, whole=False)


@questions_app.command("show")
def show_question(
    question_id: Annotated[str, typer.Argument(metavar="ID", help="see `list`")],
    language: Language = "en",
) -> None:
    """Show one question with answer, follow-ups and common wrong answers."""
    with screen.failures():
        from digitdreams.interview import bank, problems, search

        language = one_of("language", language, bank.LANGUAGES)
        known = {one.id: one for one in all_questions()}
        if question_id not in known:
            raise fail(
                f"There is no question {question_id!r}{bank.near(question_id, known)}. "
                "`digitdreams questions list` shows all."
            )
        out = screen.console()
        found = known[question_id]
        screen.show_question(out, found, language)
        out.print()
        practised = search.companion(found, problems.load())
        screen.show_answer(out, found, language, practised)


# digitdreams problems -----------------------------------------------------------------


def found_problem(name: str):
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

        topic, level, _, language = checked(topic, level, None, language)
        found = filtered(problems.load(), topic, level)
        found = [one for one in found if one.is_hunt or not hunts]
        if as_json:
            print_json(
                [
                    {
                        "name": one.name,
                        "topic": one.topic,
                        "level": one.level,
                        "hunt": one.is_hunt,
                        "lesson": one.lesson,
                        "title": {"en": one.title.en, "zh": one.title.zh},
                    }
                    for one in found
                ]
            )
            return
        out = screen.console()
        last = None
        for one in found:
            if one.topic != last:
                out.print(f"\n{one.topic}", style="bold", markup=False)
                last = one.topic
            kind = f"{one.level}, bug hunt" if one.is_hunt else one.level
            out.print(f"{one.name}  ({kind})", markup=False)
            title = one.title.in_language(language)
            out.print(f"  {title}", style="dim", markup=False)
        hunts_found = sum(one.is_hunt for one in found)
        out.print(f"\n{len(found)} problems, {hunts_found} of them bug hunts")


@problems_app.command("show")
def show_problem(name: Name, language: Language = "en") -> None:
    """Show a problem's statement, limits and examples."""
    with screen.failures():
        language = checked(None, None, None, language)[3]
        screen.show_problem(screen.console(), found_problem(name), language)


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
        language = checked(None, None, None, language)[3]
        path = practice.start(found_problem(name), language, notebook)
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

    with screen.failures(practice.PracticeError):
        problem = found_problem(name)
        path = file or practice.find_file(name)
        if not path.is_file():
            raise fail(f"{path} does not exist")
        result = practice.check_file(problem, path.resolve())
        screen.show_result(screen.console(), result)
    if result.state != practice.RIGHT:
        raise typer.Exit(1)


@problems_app.command("hint")
def hint_problem(
    name: Name,
    number: Annotated[int, typer.Argument(min=1, help="1 is the gentlest")] = 1,
) -> None:
    """Show a hint; they go from gentle to nearly the solution."""
    with screen.failures():
        hints = found_problem(name).hints
        number = min(number, len(hints))
        out = screen.console()
        out.print(f"Hint {number} of {len(hints)}: {hints[number - 1]}", markup=False)
        if number < len(hints):
            more = f"digitdreams problems hint {name} {number + 1}"
            out.print(f"Next: {more}", style="dim", soft_wrap=True)


# digitdreams quiz and progress --------------------------------------------------------


def opened_memory(progress: Path | None):
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
    progress: ProgressFile = None,
) -> None:
    """Drill the questions: answer, compare, rate; they come back when it is time."""
    with screen.failures():
        from digitdreams.interview import problems, quiz
        from digitdreams.interview.memory import MemoryFault

        topic, level, kind, language = checked(topic, level, kind, language)
        found = filtered(all_questions(), topic, level, kind)
        memory = opened_memory(progress)
        session = quiz.Session(found, problems.load(), memory, language, new, count)
        with screen.failures(MemoryFault):
            how = session.run()
        memory.close()
    if how == screen.CTRL_C:
        raise typer.Exit(screen.INTERRUPTED)


@progress_app.command("show")
def show_progress(as_json: AsJson = False, progress: ProgressFile = None) -> None:
    """Show what you have seen, what is due and what you probably remember."""
    with screen.failures():
        from datetime import UTC, datetime

        from digitdreams.interview import quiz

        known = all_questions()
        memory = opened_memory(progress)
        content = quiz.statistics(known, memory, datetime.now(UTC))
        if as_json:
            print_json(content)
            return
        out = screen.console()
        out.print(quiz.table(content))
        ratings = ", ".join(f"{n} {name}" for name, n in content["ratings"].items())
        out.print(f"\nRatings: {ratings}")
        out.print(f"{content['minutes']:g} minutes on {content['days']} day(s)")
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

        from digitdreams.interview import mock, practice, problems

        topic, level, _, language = checked(topic, level, None, language)
        known = filtered(all_questions(), topic, None)
        coding = problems.load()
        wanted = [one for one in coding if topic in (None, one.topic)] or coding
        seed = secrets.randbelow(10_000) if seed is None else seed
        items = mock.plan(known, wanted, minutes, level, seed)
        with screen.failures(practice.PracticeError):
            room = mock.Interview(
                items,
                coding,
                minutes,
                level,
                seed,
                language,
                notebook,
                (folder or mock.FOLDER).resolve(),
            )
            how = room.run()
    if how == screen.CTRL_C:
        raise typer.Exit(screen.INTERRUPTED)


def write_deck(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="such as out.apkg")],
    topic: Topic = None,
    language: Annotated[str | None, typer.Option(help="en or zh; else both")] = None,
) -> None:
    """Write the questions as a deck for Anki; importing it again updates the cards."""
    with screen.failures():
        from digitdreams.interview import bank, cards

        topic = one_of("topic", topic, bank.TOPICS)
        language = one_of("language", language, bank.LANGUAGES)
        if file.suffix != ".apkg":
            raise fail(f"{file} must end in .apkg, or Anki does not open it")
        found = filtered(all_questions(), topic, None)
        languages = (language,) if language else bank.LANGUAGES
        try:
            count = cards.write(found, file, languages)
        except OSError as error:
            raise fail(f"{file} cannot be written: {error.strerror}") from None
        screen.console().print(
            f"{count} notes written to {file}. In Anki: File, Import.", markup=False
        )
