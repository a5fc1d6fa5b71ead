"""Runs one command under Landlock, a system call filter and resource limits; /usr/bin/python3 -I -S, Linux 6.12 or newer.

Descriptor 3 is a socket to ATOS. It brings the plan (see landlock-plan.ts) and takes back lines that say how it went.
Whatever else comes by it means that all must die now; its end means the same, and that ATOS is dead itself.

Three processes. The command, confined. Above it a nurse, which gets all orphans of the command and kills what is
left when it ends. Above that this one, the guard, which does the same for the nurse. Guard and nurse are each in a
Landlock domain that keeps signals inside, so that kill(-1) reaches all below and nobody else, in one step that no
fork can outrun; and the command can signal neither. If one of the two is killed, the other cleans up.

Landlock does not judge changes of mode and times, so the command may make none. The system call filter hands them to
the nurse, which is the same user and makes those that concern the command's own folders.
"""

import ctypes
import errno
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
NO_NEW_PRIVS, SUBREAPER, DEATH_SIGNAL, DUMPABLE, KEEP_CAPS, DROP_BOUND, AMBIENT = 38, 36, 1, 4, 8, 24, 47
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
OPENAT2, PIDFD_GETFD, FCHMODAT2 = 437, 438, 452
CAPSET, SECCOMP, UTIMENSAT = {"x86_64": (126, 317, 280), "aarch64": (91, 277, 88)}[os.uname().machine]
SET_FILTER, NEW_LISTENER, WAIT_KILLABLE = 1, 8, 32
ASKED, ANSWERED, IS_VALID = 0xC0502100, 0xC0182101, 0x40082102
ASKED_BYTES, PATH_BYTES, TIMES_BYTES = 80, 4096, 32
NO_FOLLOW, EMPTY_PATH, NO_MAGIC_LINKS, HERE = 0x100, 0x1000, 2, -100
# Which argument of a call is the folder, the path, the new mode or times, and the flags.
SERVED = {
    **{"x86_64": {90: (None, 0, 1, None), 91: (0, None, 1, None), 268: (0, 1, 2, None)},
       "aarch64": {52: (0, None, 1, None), 53: (0, 1, 2, None)}}[os.uname().machine],
    FCHMODAT2: (0, 1, 2, 3),
    UTIMENSAT: (0, 1, 2, 3),
}
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
MOST_TRIES = 100
MOST_REAPED = 1 << 22
MOST_ROUNDS = 1 << 16

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
    syscall("capset", CAPSET, header, sets)
    if search:
        prctl(AMBIENT, 2, DAC_READ_SEARCH)


def limit(kind, soft, hard=None):
    most = resource.getrlimit(kind)[1]
    capped = [value if most == resource.RLIM_INFINITY else min(value, most) for value in (soft, hard or soft)]
    resource.setrlimit(kind, (capped[0], capped[1]))


def set_filter(code):
    """Returns the descriptor at which calls are asked for; none where whoever runs this container has taken that way
    for itself. Then such calls fail with ENOSYS."""
    program = ctypes.create_string_buffer(code, len(code))
    header = (len(code) // 8).to_bytes(2, sys.byteorder) + bytes(6) + words(ctypes.addressof(program))
    listener = libc.syscall(SECCOMP, SET_FILTER, NEW_LISTENER | WAIT_KILLABLE, header)
    if listener >= 0:
        return listener
    if ctypes.get_errno() != errno.EBUSY:
        checked("seccomp", listener)
    syscall("seccomp", SECCOMP, SET_FILTER, 0, header)
    return None


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
    prctl(DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != nurse:
        os._exit(1)
    enter_domain(ALL_FILE_RIGHTS, ALL_TCP, SCOPE_SIGNALS | SCOPE_ABSTRACT_SOCKETS, plan["rule"])
    return set_filter(plan["filter"])


def run_command(plan, tasks, nurse, tells, goes):
    try:
        listener = confine(plan, tasks, nurse)
        if listener is not None:
            os.write(tells, words(listener))
            os.read(goes, 1)  # Until the nurse has a descriptor of its own.
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


def take_listener(command, told):
    number = os.read(told, 8)
    if number == b"":
        return None
    process = os.pidfd_open(command)
    listener = libc.syscall(PIDFD_GETFD, process, int.from_bytes(number, sys.byteorder), 0)
    os.close(process)
    # A kernel that lets nobody look into other processes does not let the nurse either: such calls are ENOSYS.
    return listener if listener >= 0 else None


def serve(listener, own):
    """Makes one call that the command asks for, or says why not."""
    asked = ctypes.create_string_buffer(ASKED_BYTES)
    if libc.ioctl(listener, ctypes.c_ulong(ASKED), asked) < 0:
        return  # Who asked is dead.
    opened = []
    try:
        change(listener, asked.raw, own, opened)
        failed = 0
    except OSError as error:
        failed = error.errno or errno.EPERM
    for descriptor in opened:
        os.close(descriptor)
    answer = asked.raw[:8] + bytes(8) + (-failed).to_bytes(4, sys.byteorder, signed=True) + bytes(4)
    libc.ioctl(listener, ctypes.c_ulong(ANSWERED), answer)


def change(listener, asked, own, opened):
    """What is changed is a descriptor of the nurse's own, so nothing can take its place once it was looked at."""

    def open_path(path):
        opened.append(os.open(path, os.O_PATH | os.O_CLOEXEC))
        return opened[-1]

    process = int.from_bytes(asked[8:12], sys.byteorder)
    number = int.from_bytes(asked[16:20], sys.byteorder)
    arguments = [int.from_bytes(asked[at : at + 8], sys.byteorder) for at in range(32, ASKED_BYTES, 8)]
    folder, path, value, flags = (None if index is None else arguments[index] for index in SERVED[number])
    memory = os.open(f"/proc/{process}/mem", os.O_RDONLY | os.O_CLOEXEC)
    opened.append(memory)
    name, end, _ = os.pread(memory, PATH_BYTES, path).partition(b"\0") if path else (b"", b"\0", b"")
    if end == b"":
        raise OSError(errno.ENAMETOOLONG, "")
    times = os.pread(memory, TIMES_BYTES, value) if number == UTIMENSAT and value else None
    base = HERE if folder is None else int.from_bytes(folder.to_bytes(8, "little")[:4], "little", signed=True)
    target = open_path(f"/proc/{process}/cwd" if base == HERE else f"/proc/{process}/fd/{base}")
    # It may have died meanwhile, and another have its number.
    checked("", libc.ioctl(listener, ctypes.c_ulong(IS_VALID), asked[:8]))
    if name:
        how = os.O_PATH | os.O_CLOEXEC | (os.O_NOFOLLOW if (flags or 0) & NO_FOLLOW else 0)
        target = syscall("", OPENAT2, target, name, words(how, 0, NO_MAGIC_LINKS), 24)
        opened.append(target)
    elif path and not (flags or 0) & EMPTY_PATH:
        raise FileNotFoundError(errno.ENOENT, "")
    real = os.readlink(f"/proc/self/fd/{target}".encode())
    if not any(real == place or real.startswith(place + b"/") for place in own):
        raise PermissionError(errno.EPERM, "")
    if number == UTIMENSAT:
        syscall("", UTIMENSAT, target, b"", times, EMPTY_PATH)
    else:
        set_mode(target, value & 0o7777)


def set_mode(descriptor, mode):
    """Of what an O_PATH descriptor stands for."""
    syscall("fchmodat2", FCHMODAT2, descriptor, b"", mode, EMPTY_PATH)


def run_nurse(plan, tasks, guard):
    def end(*_):
        kill_all_below()
        os._exit(1)

    signal.signal(signal.SIGTERM, end)
    prctl(SUBREAPER, 1)
    keep_signals_in()
    search = plan["search"] == 1
    if plan["user"] >= 0:
        become(plan["user"], search)
    drop_capabilities(search)
    # Only now: a change of user clears it, and makes the nurse a stranger to its own /proc.
    prctl(DEATH_SIGNAL, signal.SIGTERM)
    prctl(DUMPABLE, 1)
    if os.getppid() != guard:
        os._exit(1)
    nurse = os.getpid()
    told, tells = os.pipe()
    goes, go = os.pipe()
    command = os.fork()
    if command == 0:
        os.close(go)
        run_command(plan, tasks, nurse, tells, goes)
    os.close(tells)
    listener = take_listener(command, told)
    for descriptor in (told, goes, go):
        os.close(descriptor)
    own = (plan["root"], plan["scratch"])
    status, _ = await_child(command, listener, lambda events: serve(listener, own) if events & select.POLLIN else None)
    kill_all_below()
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


def await_child(child, source, act):
    """Its status and None. Or, sooner, None and what `act` returned, called when there is news at `source`."""
    woken, wakes = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(wakes)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    news = select.poll()
    for descriptor in (woken, source):
        if descriptor is not None:
            news.register(descriptor, select.POLLIN)
    for _ in range(MOST_REAPED):
        ended, status = os.waitpid(-1, os.WNOHANG)
        if ended == child:
            return status, None
        if ended != 0:
            continue
        for descriptor, events in news.poll():
            if descriptor == woken:
                os.read(woken, 4096)
                continue
            wanted = act(events)
            if wanted is not None:
                return None, wanted
            if not events & select.POLLIN:
                news.unregister(descriptor)
    raise OSError(0, f"its processes made more than {MOST_REAPED} news")


def opened_folder(parent, name):
    """Opened, and its owner's to change; None for what is no folder. A link is none."""
    place = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            return None
        set_mode(place, 0o700)
        return os.open(f"/proc/self/fd/{place}", os.O_RDONLY | os.O_DIRECTORY)
    finally:
        os.close(place)


def remove(parent, name, keep_folder=False):
    """Whatever modes a command gave it, and however deep it is: what lies in a folder's folders is moved up first."""
    top = opened_folder(parent, name)
    if top is None:
        os.unlink(name, dir_fd=parent)
        return
    token, count = os.urandom(8).hex(), 0
    for _ in range(MOST_ROUNDS):
        entries = os.listdir(top)
        if entries == []:
            break
        for entry in entries:
            below = opened_folder(top, entry)
            if below is None:
                os.unlink(entry, dir_fd=top)
                continue
            for inner in os.listdir(below):
                inside = opened_folder(below, inner)
                if inside is not None:
                    os.close(inside)
                count += 1
                os.rename(inner, f"{token}-{count}", src_dir_fd=below, dst_dir_fd=top)
            os.close(below)
            os.rmdir(entry, dir_fd=top)
    os.close(top)
    if not keep_folder:
        os.rmdir(name, dir_fd=parent)


def tidy(plan, alone):
    """Takes away what the command may not leave, and all of the scratch folder but, unless alone, itself."""
    root = os.open(plan["root"], os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    for name in plan["remove"]:
        for _ in range(MOST_TRIES):
            if not os.path.lexists(os.path.join(plan["root"], name)):
                break
            try:
                remove(root, name)
            except OSError as error:
                # Another call in this workspace may be at it as well.
                if error.errno not in (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST):
                    raise
        else:
            raise OSError(0, f"{name.decode()} came again and again in the workspace while it was to be removed")
    os.close(root)
    folder, name = os.path.split(plan["scratch"])
    beside = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    remove(beside, name, keep_folder=not alone)
    os.close(beside)


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
    status, gone = await_child(nurse, CONTROL, lambda _: os.read(CONTROL, 1) == b"")
    kill_all_below()
    tidy(plan, gone is True)
    if status is not None and os.WIFSIGNALED(status):
        tell(f"problem its nurse was ended by signal {os.WTERMSIG(status)}")
    if status is None or not os.WIFEXITED(status):
        os._exit(1)
    tell("ended")
    os._exit(os.WEXITSTATUS(status))


try:
    main()
except Exception as error:
    tell(f"problem {error}")
    os._exit(1)
