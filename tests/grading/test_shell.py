"""The shell of a sandbox and that of a real kernel: the same cells, the same values."""

import json
import os

import classroom
import pytest
from jupyter_client.manager import start_new_kernel

from digitdreams.grading import sandbox
from digitdreams.grading.marking import grade

HOST = """
class drive:
    mount = staticmethod(print)
class files:
    upload = staticmethod(dict)
"""
# What a cell assigns to `found` is compared at the end, and whether it failed.
CELLS = [
    "found = {}\nimport math, os, sys\nimport numpy as np",
    "%matplotlib inline\n%load_ext autoreload\n%autoreload 2\nfound['lines'] = 1",
    "%time a = 6 * 7\nb = %time a + 1\nfound['time'] = [a, b]",
    "%%time\nimport json as j\nc = j.dumps([a])\nfound['cell time'] = c",
    "%%capture said\nprint('quietly', a)\nd = 4",
    "found['capture'] = [said.stdout, str(said), d]\nsaid.show()",
    "%%capture --no-stderr\nprint('gone')",
    "%%capture loud --no-stdout\nprint('kept')\nprint('lost', file=sys.stderr)",
    "found['errors'] = [loud.stdout, loud.stderr]",
    "%%writefile helper_of_mine.py\ndef double(x):\n    return 2 * x",
    "%%writefile -a helper_of_mine.py\ndef triple(x):\n    return 3 * x",
    "%%file 'with space.txt'\nhello",
    "from helper_of_mine import double, triple\nfound['file'] = double(2) + triple(1)",
    "found['space'] = open('with space.txt').read()",
    "%run helper_of_mine.py\nfound['run'] = triple(5)",
    "%%timeit -n 1 -r 1\nlost = 1",
    "found['timeit'] = 'lost' in globals()",
    "timing = %timeit -o -q -n 1 -r 1 sum([1])\nfound['timing'] = timing.loops",
    "%%time\n%matplotlib inline\nx = !echo one two\nfound['bang'] = list(x)",
    "!echo {a} $b\nfound['exit'] = _exit_code",
    "!exit 3\nfound['exit code'] = _exit_code",
    "y = !printf 'a\\nb\\n'\nfound['lines of y'] = [y.n, y[0]]",
    "name = 'z'\nz = !echo $name {name.upper()}\nfound['expanded'] = list(z)",
    "%%bash\nprintf 'made = 5' > made.py",
    "from made import made\nfound['bash'] = made",
    "%%bash\nexit 1",
    "%env MINE=7\nfound['env'] = os.environ['MINE']",
    "%mkdir -p sub\n%cd -q sub\nfound['cd'] = os.path.basename(os.getcwd())\n%cd -q ..",
    "%precision 3\nfound['precision'] = 1",
    "%who_ls int\nfound['who'] = 'a' in get_ipython().run_line_magic('who_ls', 'int')",
    "found['line magic'] = get_ipython().run_line_magic('time', 'a + 1')",
    "get_ipython().run_cell_magic('capture', 'more', 'print(9)\\n')",
    "found['more'] = more.stdout",
    "found['run_cell'] = get_ipython().run_cell('q = 5\\nq').result",
    "get_ipython().system('echo hi > hi.txt')\nfound['hi'] = open('hi.txt').read()",
    "found['getoutput'] = list(get_ipython().getoutput('cat hi.txt'))",
    "found['namespace'] = get_ipython().user_ns is globals()",
    "get_ipython().push({'pushed': 3})\nfound['pushed'] = pushed",
    "found['name'] = __name__\nfound['main'] = sys.modules['__main__'].a",
    "from IPython import get_ipython as again\nfound['shell'] = again() is not None",
    "from IPython.display import display, HTML, Markdown, clear_output",
    "display(HTML('<b>'), Markdown('x'))\nclear_output(wait=True)\nfound['html'] = 1",
    "h = display(a, display_id=True)\nh.update(b)\nfound['handle'] = type(h).__name__",
    "display({'text/plain': 'raw'}, raw=True)\nfound['raw'] = 1",
    "math.pi?\nfound['help'] = 1",
    "?math\nfound['more help'] = 1",
    "import asyncio\nawait asyncio.sleep(0)\nfound['await'] = 1",
    "async def late():\n    return 8\nfound['late'] = await late()",
    "from google.colab import drive, files as f\nimport math as m\ndrive.mount('/x')",
    "found['colab'] = [m.pi > 3, type(f).__name__ != '']",
    "import google.colab\nfound['imported'] = 1",
    "%%html\n<p>no Python</p>",
    "%%javascript\nalert(1)",
    "%%capture\n%%time\nfound['nested'] = 1",
    "%%prun -q\nfound['profiled'] = 1",
    "# %% no magic\nfound['comment'] = 1",
    "text = '''\n%time is no magic here\n'''\nfound['text'] = text",
    "if a:\n    %time e = 5\nfound['indented'] = e",
    "for i in range(2):\n    !true\nfound['loop'] = i",
    "1 / 0",
    "%%time\nraise ValueError('as written')",
    "for in in in",
]
LAST = "print('FOUND ' + json.dumps(found))"
IMPORT = "import json\n"


def in_kernel(folder):
    """Which cells failed in a real kernel, and what they found."""
    place = folder / "google" / "colab"
    place.mkdir(parents=True)
    (place / "__init__.py").write_text(HOST)
    manager, client = start_new_kernel(
        kernel_name="python3",
        cwd=str(folder),
        env={**os.environ, "IPYTHONDIR": str(folder / "ipython")},
        startup_timeout=60,
    )
    failed, printed = set(), []

    def keep(message):
        if message["msg_type"] == "stream":
            printed.append(message["content"]["text"])

    try:
        for number, cell in enumerate([*CELLS, IMPORT + LAST]):
            reply = client.execute_interactive(cell, output_hook=keep, timeout=60)
            if reply["content"]["status"] != "ok":
                failed.add(number)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return failed, found_in("".join(printed))


def in_sandbox(root, exercise):
    notebook = classroom.solution(root)
    count = len(notebook["cells"])
    for cell in [*CELLS, IMPORT + LAST]:
        classroom.add(notebook, cell)
    result = grade(classroom.as_bytes(notebook), exercise, classroom.SECRET)
    assert result.points == 12
    failed = {int(note.split()[2].removeprefix("own-")) for note in result.notes}
    return {number - count - 1 for number in failed}, found_in(result.output)


def found_in(printed):
    (line,) = (one for one in printed.splitlines() if one.startswith("FOUND "))
    return json.loads(line.removeprefix("FOUND "))


@pytest.mark.slow
def test_cells_do_in_a_sandbox_what_they_do_in_a_kernel(root, exercise, tmp_path):
    try:
        sandbox.probe()
    except sandbox.SandboxUnavailable as error:
        pytest.skip(str(error))
    there, here = in_kernel(tmp_path), in_sandbox(root, exercise)
    assert here == there
    assert len(here[1]) > 40 and len(here[0]) == 4
