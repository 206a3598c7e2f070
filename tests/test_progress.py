"""The line of progress: in a terminal, in a file, and in a real kernel."""

import io
import re
import sys
import types

import keras
import nbclient
import nbformat
import numpy as np
import pytest

from digitdreams import progress
from places import ROOT

COURSE_LINE = re.compile(r"Line: 3/3 epochs, .* s, loss [\d.e-]+, val loss [\d.e-]+")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    stream = Terminal()
    fake = types.SimpleNamespace(stdout=stream, modules=sys.modules)
    monkeypatch.setattr(progress, "sys", fake)
    return stream


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test sets, in seconds."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def line():
    """A model of one weight and its data."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model, np.ones((8, 1), "float32")


def test_items_pass_through_in_order(capsys):
    assert list(progress.track("abc", "Letters")) == ["a", "b", "c"]
    assert len(progress.track("abc", "Letters")) == 3


def test_a_file_gets_the_last_line_only(capsys, clock):
    steps = progress.track(range(5), "Sampling")
    for step in steps:
        steps.report(loss=100 + step / 7, step_size="small")
    written = capsys.readouterr().out
    assert written == ("Sampling: 5/5 steps, 0.0 s, loss 100.6, step size small\n")


def test_a_loop_without_known_length_counts(capsys, clock):
    for _ in progress.track((i for i in range(3)), "Reading", unit="images"):
        pass
    assert capsys.readouterr().out == "Reading: 3 images, 0.0 s\n"


def test_leaving_a_loop_early_is_said(capsys, clock):
    for step in progress.track(range(20), "Left"):
        if step == 7:
            break
    assert capsys.readouterr().out == "Left: stopped at 7/20 steps, 0.0 s\n"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_passes_and_is_said(capsys, clock, error):
    with pytest.raises(error):
        for step in progress.track(range(20), "Broken"):
            if step == 7:
                raise error
    assert capsys.readouterr().out == "Broken: stopped at 7/20 steps, 0.0 s\n"


def test_what_is_not_iterable_is_refused():
    with pytest.raises(TypeError):
        progress.track(20, "Number")


def test_a_terminal_line_is_rewritten_in_place(terminal, clock):
    for _ in progress.track(range(4), "Sampling", total=4):
        clock[0] += 1
    shown = terminal.getvalue()
    assert shown.count("\n") == 1
    first, *_, last = shown.strip().split("\r")
    assert first == "Sampling: " + "░" * 20 + " 0/4 steps, 0.0 s"
    assert "\r" + "Sampling: " + "█" * 10 + "░" * 10 + " 2/4 steps" in shown
    assert "about 2.0 s left" in shown
    assert last.strip() == "Sampling: 4/4 steps, 4.0 s"


def test_updates_are_at_most_four_a_second(terminal, clock):
    steps = progress.track(range(1000), "Quick")
    for _ in steps:
        clock[0] += 0.002
        steps.report(loss=1.0)
    assert terminal.getvalue().count("\r") <= 2 + 2 * 4


def test_a_long_line_is_cut(capsys):
    steps = progress.track(range(1), "Many")
    for _ in steps:
        steps.report(**{f"number_{i}": i for i in range(50)})
    written = capsys.readouterr().out.rstrip("\n")
    assert len(written) == progress.LONGEST_LINE
    assert written.endswith("…")


def test_fit_counts_epochs_and_shows_its_numbers(line, capsys):
    model, x = line
    shown = progress.Progress("Line")
    model.fit(x, x, epochs=3, validation_data=(x, x), verbose=0, callbacks=[shown])
    assert COURSE_LINE.fullmatch(capsys.readouterr().out.rstrip("\n"))
    model.fit(x, x, epochs=1, verbose=0, callbacks=[shown])
    assert capsys.readouterr().out.startswith("Line: 1/1 epochs, ")


def test_fit_shows_the_chosen_numbers(line, capsys):
    model, x = line
    shown = progress.Progress("Line", show=["val_loss"])
    model.fit(x, x, validation_data=(x, x), verbose=0, callbacks=[shown])
    written = capsys.readouterr().out
    assert ", val loss " in written
    assert ", loss " not in written


def test_fit_fills_the_bar_within_an_epoch(line, terminal, clock):
    model, x = line
    tick = keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs: clock.__setitem__(0, clock[0] + 1)
    )
    shown = progress.Progress("Line")
    model.fit(x, x, batch_size=2, verbose=0, callbacks=[tick, shown])
    assert "█" * 10 + "░" * 10 + " 0/1 epochs" in terminal.getvalue()


class StopAfterTwo(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            self.model.stop_training = True


def test_early_stopping_is_said(line, capsys):
    model, x = line
    callbacks = [progress.Progress("Line"), StopAfterTwo()]
    model.fit(x, x, epochs=9, verbose=0, callbacks=callbacks)
    assert capsys.readouterr().out.startswith("Line: stopped at 2/9 epochs, ")


# A real kernel

CELLS = {
    "loop": """
import time
from digitdreams import plots, progress
steps = progress.track(range(40), "Sampling")
for step in steps:
    time.sleep(0.02)
    steps.report(loss=step / 2)
""",
    "failing loop": """
for step in progress.track(range(20), "Broken"):
    if step == 7:
        raise ValueError("seven")
""",
    "fit": """
import keras
import numpy as np
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
x = np.ones((64, 1), "float32")
shown = progress.Progress("Line")
_ = model.fit(x, x, 4, epochs=3, verbose=0, callbacks=[shown], validation_data=(x, x))
""",
    "interrupted fit": """
class Interrupt(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt
model.fit(x, x, epochs=9, verbose=0, callbacks=[shown, Interrupt()])
""",
    "cell after it": "shown.meter.running",
    "figure": 'plots.curve({"loss": [2.0, 1.0]}, "loss")',
    "figure beside pyplot": """
from matplotlib import pyplot
plots.grid(np.zeros((2, 28, 28)))
""",
}


@pytest.fixture(scope="module")
def outputs():
    """Name of each cell above -> its stored outputs after running in a kernel."""
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in CELLS.values()]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = nbclient.NotebookClient(
        notebook,
        timeout=400,
        startup_timeout=200,
        allow_errors=True,
        resources={"metadata": {"path": str(ROOT)}},
    )
    client.execute()
    return {
        name: cell.outputs for name, cell in zip(CELLS, notebook.cells, strict=True)
    }


def only_text(found) -> str:
    (output,) = found
    assert set(output.data) == {"text/plain"}
    return output.data["text/plain"]


@pytest.mark.slow
def test_a_kernel_stores_one_short_line(outputs):
    written = only_text(outputs["loop"])
    assert re.fullmatch(r"Sampling: 40/40 steps, [\d.]+ s, loss 19\.5", written)
    assert COURSE_LINE.fullmatch(only_text(outputs["fit"]))


@pytest.mark.slow
def test_a_kernel_stores_where_it_stopped(outputs):
    *lines, error = outputs["failing loop"]
    assert only_text(lines).startswith("Broken: stopped at 7/20 steps, ")
    assert error.ename == "ValueError"
    *lines, error = outputs["interrupted fit"]
    assert only_text(lines).startswith("Line: stopped at 2/9 epochs, ")
    assert error.ename == "KeyboardInterrupt"
    assert only_text(outputs["cell after it"]) == "False"


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["figure", "figure beside pyplot"])
def test_a_kernel_shows_a_figure_once(outputs, cell):
    (output,) = outputs[cell]
    assert output.output_type == "execute_result"
    assert set(output.data) == {"image/png", "text/plain"}
    assert output.data["text/plain"].startswith("<Figure: ")
