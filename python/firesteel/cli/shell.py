"""``firesteel shell``: Python with a context that is ready, as ``sc``, and a session, as ``spark``.

It uses IPython where installed, else Python's own console with history and tab completion. Ctrl-C cancels the running
job and keeps the shell alive. Piped input runs as a program.
"""

from __future__ import annotations

import argparse
import atexit
import code
import importlib
import importlib.util
import linecache
import os
import sys
from types import CodeType
from typing import TYPE_CHECKING, Any

from firesteel.cli import options
from firesteel.cli.run import INTERRUPTED, exit_code, new_main, set_own_folder, show, users_part

if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_EXAMPLES = """examples:
  firesteel shell
  firesteel shell --master 'local[2]' --py-files helpers.py
  echo 'print(sc.parallelize(range(10)).sum())' | firesteel shell

IPython is used where it is installed, except with --plain. PYTHONSTARTUP names a file that runs first.
"""

_HISTORY = os.path.join(os.path.expanduser("~"), ".firesteel_history")
_HISTORY_LINES = 10_000


def add_parser(commands: _Commands) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser(
        "shell",
        help="an interactive shell with sc and spark ready",
        description="Python with a SparkContext as sc, and a SparkSession as spark.",
        usage="firesteel shell [options]",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--plain", action="store_true", help="use Python's own console, even if IPython is installed")
    options.add_options(parser, "kill", "status")
    parser.set_defaults(parser=parser)


def run(chosen: argparse.Namespace) -> int:
    """Runs the shell until the user leaves it; returns the exit code."""
    parser: argparse.ArgumentParser = chosen.parser
    try:
        options.apply(chosen, default_name="firesteel-shell")
    except options.UsageError as error:
        parser.error(str(error))
    if chosen.as_pyspark:
        from firesteel import as_pyspark

        as_pyspark.install()
    sys.argv = [""]
    set_own_folder("")
    try:
        names = _ready()
    except Exception as error:
        print(f"firesteel: the context cannot start: {error}", file=sys.stderr)
        return 1
    context = names["sc"]  # the user, and IPython at its end, may remove the name
    try:
        return _run_in(names, chosen.plain)
    finally:
        context.stop()


def _ready() -> dict[str, Any]:
    """Returns the names that a shell begins with, in a ``__main__`` of its own."""
    names = new_main(None).__dict__
    from firesteel.context import SparkContext
    from firesteel.sql import SparkSession

    names["spark"] = SparkSession.builder.getOrCreate()
    names["sc"] = names["spark"].sparkContext
    names["SparkContext"] = SparkContext
    return names


def _run_in(names: dict[str, Any], plain: bool) -> int:
    if not sys.stdin.isatty():
        return _run_piped(names)
    print(_banner(names["sc"]), file=sys.stderr)
    if not plain:
        if importlib.util.find_spec("IPython") is not None:
            importlib.import_module("IPython").start_ipython(argv=["--no-banner"], user_ns=names)
            return 0
    return _run_console(names)


def _banner(sc: Any) -> str:
    from firesteel.cli import version_text

    return (
        f"{version_text()}\n"
        f"`sc` is a SparkContext on {sc.master} with {sc.defaultParallelism} slots, `spark` a SparkSession."
        " Ctrl-C cancels a job, Ctrl-D leaves."
    )


def _run_piped(names: dict[str, Any]) -> int:
    """Runs piped input as a program."""
    source = sys.stdin.read()
    linecache.cache["<stdin>"] = (len(source), None, source.splitlines(keepends=True), "<stdin>")
    try:
        exec(compile(source, "<stdin>", "exec", dont_inherit=True), names)  # noqa: S102 - it is the program
    except SystemExit as error:
        return exit_code(error)
    except BaseException as error:
        show(error)
        return INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _run_console(names: dict[str, Any]) -> int:
    _set_up_readline(names)
    console = Console(names)
    startup = os.environ.get("PYTHONSTARTUP")
    if startup:
        console.run_file(startup)
    try:
        console.interact(banner="", exitmsg="")
    except SystemExit as error:
        return exit_code(error)
    return 0


class Console(code.InteractiveConsole):
    """Python's console, which remembers the source of its inputs, and shows tracebacks without frames of
    Firesteel."""

    def __init__(self, names: dict[str, Any]) -> None:
        super().__init__(names)
        self._inputs = 0

    def runsource(self, source: str, filename: str = "<input>", symbol: str = "single") -> bool:
        """Runs an input, under a name whose lines tracebacks and warnings can show."""
        name = f"<input-{self._inputs + 1}>"
        linecache.cache[name] = (len(source), None, [line + "\n" for line in source.splitlines()], name)
        more = super().runsource(source, name, symbol)
        if not more:
            self._inputs += 1
        return more

    def runcode(self, code: CodeType) -> None:
        """Runs one input; the shell survives any exception."""
        try:
            exec(code, self.locals)  # noqa: S102 - a person typed it
        except SystemExit:
            raise
        except KeyboardInterrupt:
            print("\nKeyboardInterrupt", file=sys.stderr)
        except BaseException as error:
            self._show(error)

    def _show(self, error: BaseException) -> None:
        """Prints a failure, from the typed line on."""
        sys.last_type, sys.last_value = type(error), error
        sys.last_traceback = users_part(error)
        if sys.excepthook is not sys.__excepthook__:
            sys.excepthook(type(error), error, sys.last_traceback)
            return
        from firesteel.worker.failure import user_traceback

        self.write(user_traceback(error.with_traceback(sys.last_traceback)) + "\n")

    def run_file(self, path: str) -> None:
        """Runs the file of PYTHONSTARTUP; an error in it is printed, and the shell begins nevertheless."""
        try:
            with open(path, "rb") as file:
                self.runcode(compile(file.read(), path, "exec", dont_inherit=True))
        except (OSError, SyntaxError) as error:
            print(f"firesteel: PYTHONSTARTUP {path}: {error}", file=sys.stderr)


def _set_up_readline(names: dict[str, Any]) -> None:
    """Sets up history and tab completion."""
    try:
        import readline
        import rlcompleter
    except ImportError:
        return
    readline.set_completer(rlcompleter.Completer(names).complete)
    libedit = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if libedit else "tab: complete")
    try:
        readline.read_history_file(_HISTORY)
    except OSError:
        pass
    readline.set_history_length(_HISTORY_LINES)
    atexit.register(_keep_history)


def _keep_history() -> None:
    import readline

    try:
        readline.write_history_file(_HISTORY)
    except OSError:
        pass  # a home directory without write access is not an error
