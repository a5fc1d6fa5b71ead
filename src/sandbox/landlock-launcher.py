"""Runs one command under Landlock, a system call filter and resource limits; /usr/bin/python3 -I -S, Linux 6.12 or newer.

Descriptor 3 is a socket to ATOS. It brings the plan (see landlock-plan.ts) and takes back lines that say how it went.
Whatever else comes by it means that all must die now; its end means the same, and that ATOS is dead itself.

Three processes. The command, confined. Above it a nurse, which gets all orphans of the command and kills what is
left when it ends. Above that this one, the guard, which does the same for the nurse. Guard and nurse are each in a
Landlock domain that keeps signals inside, so that kill(-1) reaches all below and nobody else, in one step that no
fork can outrun; and the command can signal neither. If one of the two is killed, the other cleans up.
"""

import ctypes
import os
import resource
import select
import stat
import sys

# The module `signal` without its enums, which take as long to load as all the rest.
import _signal as signal

CONTROL = 3
MIB = 1 << 20
NEEDED_ABI = 6
NO_NEW_PRIVS, SUBREAPER, DEATH_SIGNAL, KEEP_CAPS, DROP_BOUND, AMBIENT, SET_SECCOMP = 38, 36, 1, 8, 24, 47, 22
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
CAPSET = {"x86_64": 126, "aarch64": 91}
DAC_READ_SEARCH = 2
SCOPE_ABSTRACT_SOCKETS, SCOPE_SIGNALS = 1, 2
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, MAKE_CHAR, MAKE_BLOCK, TRUNCATE, IOCTL = (
    1 << bit for bit in (0, 1, 2, 3, 6, 11, 14, 15)
)
ALL_FILE_RIGHTS = (1 << 16) - 1
ALL_TCP = 3
RIGHTS = {
    "read": READ_FILE | READ_DIR,
    "run": READ_FILE | READ_DIR | EXECUTE,
    "device": READ_FILE | WRITE_FILE,
    "own": ALL_FILE_RIGHTS & ~(MAKE_CHAR | MAKE_BLOCK | IOCTL),
}
ON_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL
MOST_FOLDERS_DEEP = 200
MOST_REAPED = 1 << 22

libc = ctypes.CDLL(None, use_errno=True)


def checked(what, result):
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")
    return result


def syscall(what, *arguments):
    return checked(what, libc.syscall(*arguments))


def prctl(what, *arguments):
    words = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:4]]
    checked("prctl", libc.prctl(what, *words))


def words(*values):
    return b"".join(value.to_bytes(8, sys.byteorder) for value in values)


def read_plan():
    """Fields of four bytes of length, little endian, and as many bytes; the first is the length of all others."""

    def take(count):
        taken = b""
        while len(taken) < count:
            piece = os.read(CONTROL, count - len(taken))
            if piece == b"":
                sys.exit(1)
            taken += piece
        return taken

    rest = take(int.from_bytes(take(4), "little"))
    fields = []
    while rest:
        end = 4 + int.from_bytes(rest[:4], "little")
        fields.append(rest[4:end])
        rest = rest[end:]
    plan = {"rule": [], "env": {}, "command": [], "remove": []}
    for name, value in zip(fields[::2], fields[1::2]):
        key = name.decode()
        if key == "env":
            variable, _, text = value.partition(b"=")
            plan["env"][variable] = text
        elif key == "rule":
            kind, _, path = value.partition(b" ")
            plan["rule"].append((kind.decode(), path))
        elif key in plan:
            plan[key].append(value)
        elif key in ("root", "scratch", "filter"):
            plan[key] = value
        else:
            plan[key] = int(value)
    return plan


def tell(line):
    try:
        os.write(CONTROL, f"{line}\n".encode())
    except OSError:
        pass  # ATOS is gone, and nobody is left to tell.


def enter_domain(rights=0, tcp=0, scopes=SCOPE_SIGNALS, rules=()):
    ruleset = syscall("landlock_create_ruleset", CREATE_RULESET, words(rights, tcp, scopes), 24, 0)
    for kind, path in rules:
        allow(ruleset, RIGHTS[kind], path)
    syscall("landlock_restrict_self", RESTRICT_SELF, ruleset, 0)
    os.close(ruleset)


def allow(ruleset, rights, path):
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
        rights &= ON_A_FILE
    rule = words(rights) + descriptor.to_bytes(4, sys.byteorder)
    syscall("landlock_add_rule", ADD_RULE, ruleset, 1, rule, 0)
    os.close(descriptor)


def keep_signals_in():
    """kill(-1) is safe from here on, and this proves it: whoever is outside must be out of reach."""
    enter_domain()
    for outside in (os.getppid(), 1):
        try:
            os.kill(outside, 0)
        except PermissionError:
            continue
        raise OSError(0, "the kernel did not keep signals inside the Landlock domain")


def kill_all_below():
    """And waits until it is dead: without a child there is no descendant, for orphans become children."""
    for _ in range(MOST_REAPED):
        try:
            os.kill(-1, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def tasks_of(user):
    """The kernel counts what a user runs on the whole machine; the command's limit comes on top of that."""
    count = 0
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            if os.stat(f"/proc/{name}").st_uid == user:
                count += os.stat(f"/proc/{name}/task").st_nlink - 2
        except OSError:
            pass  # It has just ended.
    return count


def give(folder, user, device, depth=0):
    """Makes all below the descriptor `folder` the user's. By descriptors, so that no link leads it elsewhere."""
    if depth > MOST_FOLDERS_DEEP:
        raise OSError(0, f"the workspace has more than {MOST_FOLDERS_DEEP} folders in each other")
    if os.fstat(folder).st_uid != user:
        os.fchown(folder, user, user)
    with os.scandir(folder) as entries:
        for entry in entries:
            found = entry.stat(follow_symlinks=False)
            if found.st_dev != device:
                continue
            if stat.S_ISDIR(found.st_mode):
                below = os.open(entry.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
                give(below, user, device, depth + 1)
                os.close(below)
            elif found.st_uid != user:
                os.chown(entry.name, user, user, dir_fd=folder, follow_symlinks=False)


def give_folders(paths, user):
    for path in paths:
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        give(folder, user, os.fstat(folder).st_dev)
        os.close(folder)


def become(user, search):
    """From root to `user`, for good."""
    for capability in range(64):
        if search and capability == DAC_READ_SEARCH:
            continue
        if libc.prctl(DROP_BOUND, ctypes.c_ulong(capability), *[ctypes.c_ulong(0)] * 3) < 0:
            break
    os.setgroups([])
    os.setresgid(user, user, user)
    prctl(KEEP_CAPS, 1)
    os.setresuid(user, user, user)


def drop_capabilities(search):
    """All; with `search` all but the one to enter every folder. What it can open there, Landlock decides."""
    kept = 1 << DAC_READ_SEARCH if search else 0
    header = (0x20080522).to_bytes(4, sys.byteorder) + bytes(4)
    sets = b"".join(word.to_bytes(4, sys.byteorder) for word in (kept, kept, kept, 0, 0, 0))
    syscall("capset", CAPSET[os.uname().machine], header, sets)
    if search:
        prctl(AMBIENT, 2, DAC_READ_SEARCH)


def limit(kind, soft, hard=None):
    most = resource.getrlimit(kind)[1]
    capped = [value if most == resource.RLIM_INFINITY else min(value, most) for value in (soft, hard or soft)]
    resource.setrlimit(kind, (capped[0], capped[1]))


def confine(plan, tasks, nurse):
    os.setsid()
    os.chdir(plan["root"])
    os.umask(0o022)
    for changed in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTERM):
        signal.signal(changed, signal.SIG_DFL)
    with open("/proc/self/oom_score_adj", "w") as score:
        score.write("500")  # A machine out of memory takes the command, and leaves the nurse.
    limit(resource.RLIMIT_NPROC, tasks + plan["processes"])
    limit(resource.RLIMIT_NOFILE, 1024)
    limit(resource.RLIMIT_FSIZE, plan["fileMib"] * MIB)
    limit(resource.RLIMIT_CPU, plan["cpuSeconds"], plan["cpuSeconds"] + 1)
    limit(resource.RLIMIT_CORE, 0)
    if plan["user"] >= 0:
        become(plan["user"], plan["search"] == 1)
    drop_capabilities(plan["search"] == 1)
    # Only now: a change of user clears it.
    prctl(DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != nurse:
        os._exit(1)
    enter_domain(ALL_FILE_RIGHTS, ALL_TCP, SCOPE_SIGNALS | SCOPE_ABSTRACT_SOCKETS, plan["rule"])
    program = ctypes.create_string_buffer(plan["filter"], len(plan["filter"]))
    header = (len(plan["filter"]) // 8).to_bytes(2, sys.byteorder) + bytes(6) + words(ctypes.addressof(program))
    head = ctypes.create_string_buffer(header, len(header))
    prctl(SET_SECCOMP, 2, ctypes.addressof(head))


def run_command(plan, tasks, nurse):
    try:
        confine(plan, tasks, nurse)
    except BaseException as error:
        tell(f"problem {error}")
        os._exit(1)
    os.close(CONTROL)
    command = plan["command"]
    try:
        os.execvpe(command[0], command, plan["env"])
    except OSError as error:
        os.write(2, command[0] + f": {error.strerror}\n".encode())
        os._exit(127 if isinstance(error, (FileNotFoundError, NotADirectoryError)) else 126)


def run_nurse(plan, tasks, guard):
    def end(*_):
        kill_all_below()
        os._exit(1)

    signal.signal(signal.SIGTERM, end)
    prctl(DEATH_SIGNAL, signal.SIGTERM)
    prctl(SUBREAPER, 1)
    keep_signals_in()
    if os.getppid() != guard:
        os._exit(1)
    nurse = os.getpid()
    command = os.fork()
    if command == 0:
        run_command(plan, tasks, nurse)
    for _ in range(MOST_REAPED):
        ended, status = os.wait()
        if ended == command:
            break
    kill_all_below()
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def await_end(nurse):
    """The nurse's exit status, or None when ATOS wants an end first; and whether ATOS is gone."""
    woken, wakes = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    for _ in range(MOST_REAPED):
        ended, status = os.waitpid(-1, os.WNOHANG)
        if ended == nurse:
            return status, False
        if ended != 0:
            continue
        ready = select.select([woken, CONTROL], [], [])[0]
        if CONTROL in ready:
            return None, os.read(CONTROL, 1) == b""
        os.read(woken, 4096)


def tidy(plan, alone):
    """Takes away what the command may not leave; with ATOS gone, its scratch folder too."""
    left = [os.path.join(plan["root"], name) for name in plan["remove"]] + ([plan["scratch"]] if alone else [])
    for path in filter(os.path.lexists, left):
        import shutil  # Rarely needed, and dear.

        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)


def main():
    os.set_inheritable(CONTROL, False)
    plan = read_plan()
    abi = libc.syscall(CREATE_RULESET, None, 0, 1)
    if abi < NEEDED_ABI:
        has = "no Landlock" if abi < 1 else f"Landlock ABI {abi}"
        raise OSError(0, f"this kernel has {has}, and ABI {NEEDED_ABI} (Linux 6.12) is needed to keep signals inside")
    prctl(SUBREAPER, 1)
    prctl(NO_NEW_PRIVS, 1)
    user = plan["user"] if plan["user"] >= 0 else os.getuid()
    tasks = tasks_of(user)
    if plan["user"] >= 0:
        give_folders((plan["root"], plan["scratch"]), user)
    keep_signals_in()
    guard = os.getpid()
    nurse = os.fork()
    if nurse == 0:
        try:
            run_nurse(plan, tasks, guard)
        except BaseException as error:
            tell(f"problem {error}")
            os._exit(1)
    tell(f"nurse {nurse}")
    status, alone = await_end(nurse)
    kill_all_below()
    tidy(plan, alone)
    if status is None or not os.WIFEXITED(status):
        os._exit(1)
    tell("ended")
    os._exit(os.WEXITSTATUS(status))


try:
    main()
except Exception as error:
    tell(f"problem {error}")
    os._exit(1)
