# SPDX-License-Identifier: MIT
"""Run one script in its jail and send back what its main() returned.

    job input (fd 4)  -->  script.py, imported as the module "script"  -->  main()
                                                      |
    result pipe (fd 3)  <--  one frame  <--  JSON text of the value, or an error

Job input, little-endian:  magic (8) | nonce (32) | u64 max_result_bytes | u64 script_bytes
                           | u64 flags | script (UTF-8), then end of file.
Result frame:              nonce (32) | kind "R" or "E" | u64 length | JSON text,
                           then end of file and exit status 0.  Before it a mark, the nonce alone,
                           which goes out just before the script is started, and says so.

With the flag "linger" the process stays for a moment after the end of file, so that the answer can
go out before its end costs time; whoever has the answer kills it.

The script shares this process, so nothing here is a defence against it: whoever reads the frame
treats it as a claim.  What this file does defend is the answer of an honest script that replaces
os.write, builtins.open, sys.stdout and the like, writes a module named like one of the standard
library, forks, leaves threads behind, or fills its memory.  Whether a limit was hit is decided
outside; the exception is MemoryError, which only this process can see.

A process that multiprocessing spawns runs this file again under another name than __main__:
importing it therefore does nothing but define names, and imports little.  With --template NAMES it
becomes a template first (template.py), and what follows happens in each of its children.
"""

import builtins
import gc
import os
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader
from io import StringIO
from os import _exit, close, getpid, read, stat, write
from sys import setprofile, setrecursionlimit, settrace
from time import sleep
from types import CoroutineType, FunctionType, ModuleType

__all__ = ["pack_job", "prepare", "rehearse", "run_job"]

# Builtins of our own, for this module and tojson: a script may replace those that it sees.
__builtins__ = vars(builtins).copy()

_MAGIC = b"SEXJOB1\n"
_HEADER_BYTES = 64
_READ_BYTES = 1 << 16
_FLAG_LINGER = 1
_SCRIPT = "script.py"
_USUAL_FOLDER = "/tmp"
_EXIT_BROKEN = 70               # EX_SOFTWARE: the runner failed before the script started
_LARGE_MODULES = ("pandas", "numpy")
_RESERVE_BYTES = 4 << 20        # given back when memory runs out, to build the report in
_FINISH_SECONDS = 1.0           # for threads and atexit callbacks after main()
_LINGER_SECONDS = 0.25          # for the answer to go out first
_MAX_MESSAGE_BYTES = 8 << 10
_MAX_TRACEBACK_BYTES = 64 << 10
_MAX_LINE_BYTES = 1000
_MAX_TRACEBACK_FRAMES = 5000
_MAX_INSTALLED = 200
_MAX_MEMORY_ERRORS = 10         # in a chain

# Names by which a script can bind main without a statement that says so: run it and see.
_INDIRECT_BINDERS = frozenset(("exec", "globals", "locals", "vars", "setattr", "modules", "__dict__"))

_tojson = None                  # the module beside this file
_module = None                  # what the script will become, once prepare() ran
_given_callbacks = None         # that are no script's, see _count_callbacks()
_flush_c = None                 # fflush(NULL) of a template, which knows it without ctypes


def prepare(folder):
    """Do all that can be done before the script is there; *folder* is where it will be written.

    A template does it once, before it forks: what is done here costs its children nothing.
    """
    global _module, _given_callbacks
    _load_tojson()
    _set_up_streams()
    _module = _make_module(folder)
    _given_callbacks = _count_callbacks()


def _load_tojson():
    global _tojson
    if _tojson is None:
        _tojson = _load_beside("tojson")


def _load_beside(name):
    """Load a module by path and keep it out of sys.modules, where a script may have one of that name."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name + ".py")
    module = ModuleType(name)
    module.__file__ = path
    module.__builtins__ = __builtins__
    exec(SourceFileLoader(name, path).get_code(name), vars(module))
    return module


def rehearse(source):
    """Run *source* as if it were a script, and forget it: what it needs is warm then."""
    _load_tojson()
    module = ModuleType("script")
    module.__builtins__ = vars(builtins)
    sys.modules["script"] = module
    try:
        code = _compile(source)
        _expect_main(code, source)
        exec(code, vars(module))
        _encode(_call_main(vars(module), sys.path), 1 << 20)
    finally:
        del sys.modules["script"]


def run_job(input_fd, result_fd):
    """Read a job from *input_fd*, run it, send one frame to *result_fd*, and exit."""
    try:
        job = _read_job(input_fd)
        folder = os.getcwd()
        if _module is None:
            prepare(folder)
        if folder != _USUAL_FOLDER:
            _move(folder)
        if _modes_are_pretended(folder):
            _miss_missing_files()
        _keep_result(result_fd)
        _place_script(job)
        _send(result_fd, job.nonce)
    except Exception as error:
        write(2, ("runner: cannot start the script: %s\n" % error).encode("utf-8", "replace"))
        _exit(_EXIT_BROKEN)
    try:
        kind, payload = _run(job, _module)
        _finish()
        _send(result_fd, job.nonce + kind + len(payload).to_bytes(8, "little") + payload)
        if job.lingers:
            close(result_fd)
            sleep(_LINGER_SECONDS)
    except BaseException:       # no way to report is left
        _exit(_EXIT_BROKEN)
    _exit(0)


# Before the script

class _Job:
    """What the job input said."""

    __slots__ = ("pid", "nonce", "max_result_bytes", "lingers", "script", "source")


def _read_job(fd):
    parts = []
    while part := read(fd, _READ_BYTES):
        parts.append(part)
    close(fd)
    raw = b"".join(parts)
    header, script = raw[:_HEADER_BYTES], raw[_HEADER_BYTES:]
    if len(header) < _HEADER_BYTES or header[:8] != _MAGIC:
        raise ValueError("the job input has no valid header")
    flags = int.from_bytes(header[56:64], "little")
    if int.from_bytes(header[48:56], "little") != len(script) or flags & ~_FLAG_LINGER:
        raise ValueError("the job input does not match its header")
    job = _Job()
    job.pid = getpid()
    job.nonce = header[8:40]
    job.max_result_bytes = int.from_bytes(header[40:48], "little")
    job.lingers = bool(flags & _FLAG_LINGER)
    job.script = script
    job.source = script.decode("utf-8").removeprefix("\ufeff")
    return job


def pack_job(script):
    """Return the job input for *script*, for whoever runs one without the service."""
    raw = script.encode()
    sizes = (1 << 20, len(raw), 0)
    return _MAGIC + bytes(32) + b"".join(size.to_bytes(8, "little") for size in sizes) + raw


def _set_up_streams():
    """Make stdout and stderr UTF-8 whatever is printed.

    A lone surrogate is printed as its escape, as Python does on stderr: it stays visible, raises
    nothing, and what is on the wire is valid UTF-8 (the locale's surrogateescape would put raw
    bytes there).  Everything is written through, so that output survives a kill, and a forked
    child has no copy of a buffer.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", write_through=True)


def _keep_result(result_fd):
    """Keep the result to this process: no program that it starts and no child of it may write there."""
    os.set_inheritable(result_fd, False)
    os.register_at_fork(after_in_child=lambda: _close(result_fd))


def _close(fd):
    try:
        os.close(fd)
    except OSError:             # the script closed it, its own loss
        pass


def _make_module(folder):
    """Return the module that the script will become, in sys.modules already."""
    path = os.path.join(folder, _SCRIPT)
    loader = SourceFileLoader("script", path)
    spec = ModuleSpec("script", loader, origin=path)
    spec.has_location = True
    module = ModuleType("script")
    module.__spec__ = spec
    module.__loader__ = loader
    module.__file__ = path
    module.__cached__ = spec.cached
    module.__package__ = ""
    module.__builtins__ = vars(builtins)    # the real ones, not our copy
    sys.modules["script"] = module
    sys.path.insert(0, folder)
    sys.argv[:] = [_SCRIPT]
    return module


def _move(folder):
    """Make *folder* the one place that a job has: where it cannot be /tmp, which then belongs to nobody."""
    path = os.path.join(folder, _SCRIPT)
    spec = _module.__spec__
    _module.__file__ = _module.__loader__.path = spec.origin = path
    spec._cached = None         # to be computed again
    _module.__cached__ = spec.cached
    sys.path[0] = folder
    for name, value in os.environ.items():
        if not name.startswith("LD_") and (value == _USUAL_FOLDER or value.startswith(_USUAL_FOLDER + "/")):
            os.environ[name] = folder + value[len(_USUAL_FOLDER):]
    if "tempfile" in sys.modules:
        sys.modules["tempfile"].tempdir = None


def _modes_are_pretended(folder):
    """Whether modes and times are never changed here, which every call answers with success (src/jail/modes.c)."""
    try:
        os.utime(folder + "/no such file")
    except OSError:
        return False
    return True


def _miss_missing_files():
    """Have those calls fail where there is no file, as programs expect: Path.touch() makes it then."""
    def checked(call):
        def change(path, *arguments, dir_fd=None, follow_symlinks=True, **named):
            stat(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)
            return call(path, *arguments, dir_fd=dir_fd, follow_symlinks=follow_symlinks, **named)

        change.__name__ = change.__qualname__ = call.__name__
        change.__doc__ = call.__doc__
        for kind in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks):
            if call in kind:
                kind.add(change)
        return change

    accessor = getattr(sys.modules.get("pathlib"), "_NormalAccessor", None)     # until Python 3.10
    for name in ("chmod", "utime"):
        changed = checked(getattr(os, name))
        setattr(os, name, changed)
        if hasattr(accessor, name):
            setattr(accessor, name, staticmethod(changed))


def _place_script(job):
    """Write script.py to where its module says that it is."""
    fd = os.open(_module.__file__, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    rest = memoryview(job.script)
    while rest:
        rest = rest[write(fd, rest):]
    close(fd)
    _age(_module.__file__[:-len(_SCRIPT) - 1] or "/")
    if "linecache" in sys.modules:
        _remember_source(_module, job.source)


def _age(folder):
    """Date *folder* back, so that a module which the script writes at once is found.

    The import system rereads a directory when its time has changed, and the kernel's clock for
    files moves in steps of milliseconds: script.py and that module can fall into the same one.
    """
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.utime(fd, (0, 0))        # by descriptor: by path a jail may have it do nothing
        finally:
            close(fd)
    except OSError:             # then a fresh module may need importlib.invalidate_caches()
        pass


# The script

class _Verdict(Exception):
    """The script ends here, with an error of the contract."""

    def __init__(self, code, message, details=None):
        super().__init__(message)
        self.error = {"code": code, "message": message}
        if details:
            self.error["details"] = details


def _run(job, module):
    """Run the script and return what to send: the kind of frame and its JSON text in bytes."""
    search_path = sys.path[1:]              # without the script's folder
    recursion_limit = sys.getrecursionlimit()
    reserve = [bytes(_RESERVE_BYTES)]
    value = failure = None
    try:
        code = _compile(job.source)
        _expect_main(code, job.source)
        try:
            _import_quietly(code)
            exec(code, vars(module))
            value = _call_main(vars(module), search_path)
        except MemoryError:
            reserve.clear()                 # first of all: from here on memory is needed
            raise
        finally:
            settrace(None)                  # a script's tracer is not to see what follows
            setprofile(None)
            setrecursionlimit(recursion_limit)
            _stop_timer()
        if getpid() == job.pid:
            return b"R", _encode(value, job.max_result_bytes)
    except BaseException as error:
        reserve.clear()
        failure = error
    value = None                            # the report may need its memory
    if getpid() != job.pid:
        _leave_child(job, module, failure, search_path)
    if type(failure) is _Verdict:
        error = failure.error
    else:
        error = _report(job, module, failure, search_path)
    return b"E", _tojson.to_json(error).encode()


def _import_quietly(code):
    """Import numpy or pandas ahead of a script that is about to, with the garbage collector off.

    A tenth of the time that it takes went into looking through objects that all stay.  In a child of
    a template they are there already, and nothing is done here.
    """
    for name in _LARGE_MODULES:
        if name in code.co_names and name not in sys.modules:
            gc.disable()
            try:
                __import__(name)
            except Exception:       # the script's own import says it better
                pass
            gc.freeze()             # else the first collection would look through all of it at once
            gc.enable()


def _compile(source):
    """Compile from text: a coding cookie in the script must not decode it again."""
    try:
        return compile(source, _SCRIPT, "exec", dont_inherit=True)
    except SyntaxError as error:
        text = error.text.rstrip("\n") if isinstance(error.text, str) else None
        raise _syntax_error(error.msg, error.lineno, error.offset, text)
    except (RecursionError, MemoryError):   # the parser's own stack, not the job's memory
        raise _syntax_error("too deeply nested for Python's parser")
    except Exception as error:
        raise _syntax_error(str(error))


def _syntax_error(problem, line=None, column=None, text=None):
    problem = _cut(problem, _MAX_MESSAGE_BYTES)
    text = None if text is None else _cut(text, _MAX_LINE_BYTES)
    where = _SCRIPT if line is None else "%s, line %d" % (_SCRIPT, line)
    return _Verdict("SYNTAX_ERROR", "The script is not valid Python: %s (%s)." % (problem, where),
                    {"message": problem, "line": line, "column": column, "text": text})


def _call_main(namespace, search_path):
    """Call main() and return its value; wait for it if it is a coroutine."""
    try:
        main = namespace["main"]
    except KeyError:
        raise _no_main() from None
    _check_callable(main, search_path)
    value = main()
    if type(value) is CoroutineType:
        value = _import("asyncio", search_path).run(value)
    return value


def _encode(value, limit):
    try:
        payload = _tojson.to_json(value, limit).encode()
        size = len(payload)
    except _tojson.NotJSON as error:
        raise _Verdict("NON_JSON_RETURN", "The result is not JSON: %s." % error,
                       {"path": error.path, "type": error.type}) from None
    except _tojson.TooLarge as error:
        size = error.bytes
    if size > limit:
        raise _Verdict("RESULT_TOO_LARGE", "The result needs %d bytes or more as JSON, and the limit is "
                       "%d: return less, for example a summary or the first rows." % (size, limit),
                       {"bytes": size, "limit": limit})
    return payload


# main: is it there, and can it be called?

def _no_main():
    return _Verdict("NO_MAIN", "The script has no main at module level: define `def main(): ...` "
                    "and return the result from it.")


def _expect_main(code, source):
    """Raise NO_MAIN, before anything ran, if nothing in the script can bind main at module level.

    The symbol table is asked and not the bytecode, from which the compiler drops what cannot be
    reached: a script that loops or raises before its `def main` has a main all the same.
    """
    if any(getattr(const, "co_name", None) == "main" for const in code.co_consts):
        return                              # def main or class main: the usual case, and quick
    if ("*",) in code.co_consts:            # from ... import *: who knows what it brings
        return
    if any(not _INDIRECT_BINDERS.isdisjoint(part.co_names) for part in _code_parts(code)):
        return
    import symtable
    import warnings
    try:
        with warnings.catch_warnings():     # compile() has given them already
            warnings.simplefilter("ignore")
            table = symtable.symtable(source, _SCRIPT, "exec")
    except Exception:                       # nested more deeply than compile() minds
        return
    if not _binds_main(table):
        raise _no_main()


def _code_parts(code):
    """Return *code* and the code of all functions and classes in it."""
    parts = [code]
    for part in parts:                      # grows as it goes
        parts.extend(const for const in part.co_consts if type(const) is type(code))
    return parts


def _binds_main(table):
    """Say if *table*, or the scope of a function or class in it, binds the global name main."""
    if "main" in table.get_identifiers():
        symbol = table.lookup("main")
        declared = symbol.is_declared_global()      # in the module itself: by := in a comprehension
        bound = symbol.is_assigned() or symbol.is_imported()
        if (bound or declared) if table.get_type() == "module" else (bound and declared):
            return True
    return any(_binds_main(child) for child in table.get_children())


def _check_callable(main, search_path):
    """Raise INVALID_MAIN unless *main* can be called without arguments."""
    name = _tojson.type_name(type(main))
    if not callable(main):
        raise _Verdict("INVALID_MAIN", "main is a %s, not a function: define `def main(): ...` and "
                       "return the result from it." % name, {"type": name})
    needed = _needed_arguments(main, search_path)
    if needed:
        raise _Verdict("INVALID_MAIN", "main needs arguments (%s), but it is called with none: give "
                       "them defaults, or set the values inside main." % ", ".join(needed),
                       {"type": name, "arguments": needed})


def _needed_arguments(main, search_path):
    """Return the names of the parameters of *main* that have no default."""
    if type(main) is FunctionType:
        code = main.__code__
        given = len(main.__defaults__ or ())
        keyword_defaults = main.__kwdefaults__ or {}
        positional = code.co_varnames[:code.co_argcount]
        keywords = code.co_varnames[code.co_argcount:code.co_argcount + code.co_kwonlyargcount]
        return [*positional[:len(positional) - given],
                *(name for name in keywords if name not in keyword_defaults)]
    try:
        inspect = _import("inspect", search_path)
        parameters = inspect.signature(main, follow_wrapped=False).parameters.values()
        return [parameter.name for parameter in parameters
                if parameter.default is parameter.empty
                and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)]
    except Exception:           # no signature to be had: call it and see
        return []


def _import(name, search_path):
    """Import a standard module late: not one of that name that the script wrote."""
    saved = getattr(sys, "path", [])
    sys.path = list(search_path)
    try:
        __import__(name)
        return sys.modules[name]
    finally:
        sys.path = saved


# What went wrong, in words

def _report(job, module, error, search_path):
    """Return the error object for an exception of the script; its methods may be hostile."""
    kind = type(error)
    name = _tojson.type_name(kind)
    line = None
    if issubclass(kind, MemoryError):
        code = "MEMORY_LIMIT"
        error = _first_memory_error(error)
        _clear_frames(_trace_of(error))
    elif issubclass(kind, ModuleNotFoundError):
        code = "IMPORT_ERROR"
    else:
        code = "EXCEPTION"
    try:
        trace = _script_part(_trace_of(error))
        line = _script_line(trace)
        text = _message(error)
        details = {"type": name, "message": text, "line": line,
                   "traceback": _format(error, trace, module, job.source, search_path,
                                        chain=code != "MEMORY_LIMIT")}
        if code == "IMPORT_ERROR":
            details = {"module": _module_name(error, text), "installed": _installed(search_path),
                       "line": line, "traceback": details["traceback"]}
        return {"code": code, "message": _sentence(code, details), "details": details}
    except BaseException:       # memory is short again, or worse
        details = {"type": name, "message": "", "line": line, "traceback": ""}
        return {"code": code, "message": _sentence("EXCEPTION", details), "details": details}


def _sentence(code, details):
    where = "" if details["line"] is None else " (%s, line %d)" % (_SCRIPT, details["line"])
    if code == "MEMORY_LIMIT":
        return "The script ran out of memory%s: work on less data at a time." % where
    if code == "IMPORT_ERROR":
        return ("The module %s is not installed%s, and nothing can be installed at run time: "
                "use one of those that are, or the standard library." % (details["module"], where))
    text = _cut(details["message"], 500)
    advice = " Return from main() instead of leaving Python." if details["type"] == "SystemExit" else ""
    return "The script raised %s%s%s.%s" % (details["type"], ": " + text if text else "", where, advice)


def _message(value):
    """Return str(value), which is the script's to define, as text that can be sent."""
    try:
        text = str(value)
    except BaseException:
        text = "<unprintable %s object>" % _tojson.type_name(type(value))
    return _cut(text, _MAX_MESSAGE_BYTES)


def _cut(text, limit):
    """Return *text* in at most *limit* bytes of valid UTF-8, and some; cut in the middle."""
    raw = str.encode(text, "utf-8", "backslashreplace")    # text may be of a subclass
    if len(raw) > limit:
        half = limit // 2
        marker = "\n... [%d bytes cut] ...\n" % (len(raw) - 2 * half)
        raw = raw[:half] + marker.encode() + raw[-half:]
    return raw.decode("utf-8", "ignore")


def _trace_of(error):
    return BaseException.__traceback__.__get__(error)   # a subclass may hide it


def _frames(trace):
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _script_part(trace):
    """Return *trace* from the first frame of the script on.

    When there is none (main is a function of some library), drop only what leads there: our frames
    and those of asyncio.
    """
    for part in _frames(trace):
        if part.tb_frame.f_code.co_filename == _SCRIPT:
            return part
    for part in _frames(trace):
        names = part.tb_frame.f_globals
        ours = names is globals() or names is vars(_tojson)
        if not ours and str(names.get("__name__")).partition(".")[0] != "asyncio":
            return part
    return None


def _script_line(trace):
    """Return the line of the last frame that is in the script, or None."""
    line = None
    for part in _frames(trace):
        if part.tb_frame.f_code.co_filename == _SCRIPT:
            line = part.tb_lineno
    return line


def _first_memory_error(error):
    """Return the one of a chain of MemoryErrors that knows where in the script it was.

    When there is no memory for an entry of the traceback, Python raises a MemoryError about that,
    which has the first one as its context.
    """
    found = error
    for _ in range(_MAX_MEMORY_ERRORS):
        if not issubclass(type(found), MemoryError):
            break
        if _script_line(_trace_of(found)) is not None:
            return found
        found = BaseException.__context__.__get__(found)
    return error


def _clear_frames(trace):
    """Let go of what the functions that failed had in their variables."""
    for part in _frames(trace):
        try:
            part.tb_frame.clear()
        except RuntimeError:    # still running: our own
            pass


def _format(error, trace, module, source, search_path, chain=True):
    """Return the traceback as Python prints it."""
    try:
        _import("linecache", search_path)
        _remember_source(module, source)
        lines = _import("traceback", search_path).format_exception(
            type(error), error, trace, limit=_MAX_TRACEBACK_FRAMES, chain=chain)
        return _cut("".join(lines), _MAX_TRACEBACK_BYTES)
    except BaseException:       # a hostile exception, or the script's own module of that name
        lines = ["Traceback (most recent call last):\n"]
        for part in list(_frames(trace))[-100:]:
            code = part.tb_frame.f_code
            lines.append('  File "%s", line %d, in %s\n' % (code.co_filename, part.tb_lineno, code.co_name))
        lines.append("%s: %s\n" % (_tojson.type_name(type(error)), _message(error)))
        return _cut("".join(lines), _MAX_TRACEBACK_BYTES)


def _remember_source(module, source):
    """Give linecache the script's lines: the file may be gone or out of reach by then."""
    lines = StringIO(source, newline=None).readlines()
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    for name in (_SCRIPT, module.__spec__.origin):
        sys.modules["linecache"].cache[name] = (len(source), None, lines, name)


def _module_name(error, text):
    return _cut(error.name, 200) if isinstance(error.name, str) else _cut(text, 200)


def _installed(search_path):
    """Return "name version" of the installed distributions."""
    found = set()
    try:
        for distribution in _import("importlib.metadata", search_path).distributions(path=search_path):
            name, version = distribution.metadata["Name"], distribution.version
            found.add(_cut("%s %s" % (name, version), 200))
            if len(found) >= _MAX_INSTALLED:
                break
    except Exception:           # a broken one; those found so far are worth having
        pass
    return sorted(found, key=str.casefold)


# After the script

def _stop_timer():
    """Stop the alarm of a script that guards its main() by one: it is over."""
    try:
        import _signal          # the module signal costs more, for enums that are not needed here
        _signal.setitimer(_signal.ITIMER_REAL, 0)
    except Exception:
        pass


def _leave_child(job, module, failure, search_path):
    """End a process that the script forked, as Python would end it, and send nothing."""
    status, text = 0, ""
    if failure is None:
        pass
    elif type(failure) is _Verdict:
        status, text = 1, str(failure)
    elif type(failure) is SystemExit:
        status, text = _exit_status(failure.code)
    else:
        trace = _script_part(_trace_of(failure))
        status, text = 1, _format(failure, trace, module, job.source, search_path)
    if text:
        write(2, (text.rstrip("\n") + "\n").encode("utf-8", "backslashreplace"))
    _flush()
    _exit(status)


def _exit_status(code):
    """Return the status and the text on stderr that sys.exit(code) stands for."""
    if code is None or isinstance(code, int):
        return (code or 0) & 0xFF, ""
    return 1, _message(code)


def _finish():
    """Do what Python does at exit, in a bounded time: wait for threads, run atexit callbacks, flush."""
    if _has_loose_ends():
        import _thread          # threading may not have been imported, and need not be
        done = _thread.allocate_lock()
        done.acquire()
        try:
            _thread.start_new_thread(_tie_loose_ends, (done,))
            done.acquire(timeout=_FINISH_SECONDS)
        except RuntimeError:    # no thread to be had
            pass
    _flush()


def _has_loose_ends():
    threading = sys.modules.get("threading")
    try:
        return bool(threading and _live_threads(threading)) or _count_callbacks() != _given_callbacks
    except Exception:
        return False


def _count_callbacks():
    """Return how many callbacks wait for the end: of threading, of atexit, and handlers of logging.

    A template has imported modules that register some; by themselves they have nothing to do.
    """
    threading, atexit, logging = (sys.modules.get(name) for name in ("threading", "atexit", "logging"))
    return (len(getattr(threading, "_threading_atexits", ())), atexit._ncallbacks() if atexit else 0,
            len(getattr(logging, "_handlerList", ())))


def _live_threads(threading):
    return [thread for thread in threading.enumerate()
            if not thread.daemon and thread is not threading.main_thread()]


def _tie_loose_ends(done):
    """Do the waiting part of _finish(), in a thread that can be left behind."""
    for step in (_run_thread_callbacks, _join_threads, _run_exit_callbacks):
        try:
            step()
        except BaseException as error:
            try:
                sys.__excepthook__(type(error), error, error.__traceback__)
            except BaseException:   # stderr is gone, too
                pass
    done.release()


def _run_thread_callbacks():
    for callback in reversed(list(getattr(sys.modules.get("threading"), "_threading_atexits", ()))):
        callback()


def _join_threads():
    threading = sys.modules.get("threading")
    while threading and _live_threads(threading):
        for thread in _live_threads(threading):
            thread.join()


def _run_exit_callbacks():
    if "atexit" in sys.modules:
        sys.modules["atexit"]._run_exitfuncs()


def _flush():
    for name in ("stdout", "stderr"):
        try:
            getattr(sys, name).flush()
        except BaseException:   # None, closed, or something else altogether
            pass
    try:
        if _flush_c is not None:
            _flush_c()
        elif "ctypes" in sys.modules:
            sys.modules["ctypes"].CDLL(None).fflush(None)
    except BaseException:
        pass


def _send(fd, frame):
    frame = memoryview(frame)
    while frame:
        frame = frame[write(fd, frame):]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--template"]:
        _load_beside("template").become(sys.argv[2].split(",") if sys.argv[2] else [], globals())
    run_job(4, 3)
