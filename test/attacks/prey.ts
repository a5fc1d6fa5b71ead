import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { getPriority, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { listPids, readIfThere, readProcess } from "../../src/sandbox/process-view.ts";

/** What nobody inside may ever see. */
export const SECRET = `swordfish-${randomUUID()}`;
/** As root, commands of the sandbox run as this user; what lies outside belongs to it too, so that only the wall protects it. */
export const SANDBOX_USER = 65_532;
const DEATH_POLLS = 100;
const HANDLE_OF = `
import ctypes, sys, struct
handle = ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + bytes(128))
mount = ctypes.c_int()
if ctypes.CDLL(None, use_errno=True).name_to_handle_at(-100, sys.argv[1].encode(), handle, ctypes.byref(mount), 0) < 0: sys.exit("no handle")
size, = struct.unpack("I", handle.raw[:4])
print(handle.raw[4:8 + size].hex())`;

/**
 * What an attack goes for, outside its workspace: files, a folder, a process and sockets. File modes and owners keep
 * nobody away from them.
 */
export class Prey implements AsyncDisposable {
  readonly base: string;
  readonly root: string;
  /** In the arguments of what an attack starts, to find it again. */
  readonly mark: string;
  readonly #victim: ChildProcess;
  readonly #servers: readonly Server[];
  #connections = 0;

  private constructor() {
    this.base = realpathSync(mkdtempSync(join(tmpdir(), "atos-attack-")));
    this.root = join(this.base, "workspace");
    this.mark = `4${Math.floor(Math.random() * 1e6)}.${Math.floor(Math.random() * 1e9)}`;
    chmodSync(this.base, 0o777);
    for (const folder of ["workspace", "prey", "shown"]) {
      mkdirSync(join(this.base, folder));
      chmodSync(join(this.base, folder), 0o777);
    }
    this.#write("secret.txt", SECRET, 0o666);
    this.#write("private.txt", SECRET, 0o600);
    this.#write("prey/keep", "untouched", 0o666);
    this.#write("shown/tool", "untouched", 0o666);
    const stdin = openSync(join(this.base, "secret.txt"), "r");
    this.#victim = spawn("sleep", ["600"], {
      argv0: `sleep-${SECRET}`,
      env: { TOKEN: SECRET },
      cwd: this.base,
      stdio: [stdin, "ignore", "ignore"],
      ...(process.getuid?.() === 0 ? { uid: SANDBOX_USER, gid: SANDBOX_USER } : {}),
    });
    closeSync(stdin);
    this.#servers = [createServer(), createServer(), createServer()];
    for (const server of this.#servers) {
      server.on("connection", (socket) => {
        this.#connections++;
        socket.on("error", () => {}).end(SECRET);
      });
    }
  }

  static async open(): Promise<Prey> {
    const prey = new Prey();
    const [tcp, named, filed] = prey.#servers;
    tcp?.listen(0, "127.0.0.1");
    named?.listen(`\0${prey.base}`);
    filed?.listen(prey.socket);
    await Promise.all([...prey.#servers.map((server) => once(server, "listening")), once(prey.#victim, "spawn")]);
    chmodSync(prey.socket, 0o777);
    return prey;
  }

  get secret(): string {
    return join(this.base, "secret.txt");
  }

  get socket(): string {
    return join(this.base, "docker.sock");
  }

  get folder(): string {
    return join(this.base, "prey");
  }

  /** What an attack is told, as an attacker who knows the machine well would know it. */
  get env(): Record<string, string> {
    const address = this.#servers[0]?.address();
    return {
      BASE: this.base,
      SECRET_FILE: this.secret,
      PREY: this.folder,
      VICTIM: String(this.#victim.pid),
      ATOS: String(process.pid),
      PORT: String(typeof address === "object" && address !== null ? address.port : 0),
      SOCKET: this.socket,
      MARK: this.mark,
    };
  }

  /** Where the stack of the process outside ends, which holds its arguments and environment. Hexadecimal. */
  stackEnd(): string {
    return /-([0-9a-f]+) .*\[stack\]/.exec(readIfThere(`/proc/${this.#victim.pid}/maps`) ?? "")?.[1] ?? "";
  }

  victimNice(): number {
    return getPriority(this.#victim.pid ?? 0);
  }

  /** The number that the file system knows the secret file by, as name_to_handle_at tells it. Hexadecimal. */
  handle(): string {
    return execFileSync("/usr/bin/python3", ["-c", HANDLE_OF, this.secret], { encoding: "utf8" }).trim();
  }

  /** All harm that can be seen from outside. What the attack said itself is in `output`; `BROKE …` is its own claim. */
  damage(output: string): string[] {
    const secret = lstatSync(this.secret, { throwIfNoEntry: false });
    const tool = lstatSync(join(this.base, "shown", "tool"), { throwIfNoEntry: false });
    const folder = lstatSync(this.folder, { throwIfNoEntry: false });
    const inFolder = folder?.isDirectory() === true ? readdirSync(this.folder).join() : "gone";
    return [
      [output.includes(SECRET), "the secret was read"],
      ...[...output.matchAll(/^BROKE (.*)$/gm)].map(([, claim = ""]) => [true, claim] as const),
      [secret?.isFile() !== true || readIfThere(this.secret) !== SECRET, "a file outside was changed"],
      [
        secret !== undefined && secret.uid !== (process.getuid?.() === 0 ? SANDBOX_USER : process.getuid?.()),
        "the owner of a file outside was changed",
      ],
      [((tool?.mode ?? 0) & 0o7777) !== 0o666, "the mode of a file shown read-only was changed"],
      [readIfThere(join(this.base, "shown", "tool")) !== "untouched", "a file shown read-only was changed"],
      [secret !== undefined && (secret.mode & 0o7777) !== 0o666, "the mode of a file outside was changed"],
      [secret !== undefined && secret.nlink !== 1, "a file outside was linked to"],
      [folder !== undefined && (folder.mode & 0o7777) !== 0o777, "the mode of a folder outside was changed"],
      [inFolder !== "keep", `a folder outside has ${inFolder}`],
      [!["S", "R", "D"].includes(this.#victimState()), `a process outside is ${this.#victimState()}`],
      [this.#connections > 0, `${this.#connections} connections to sockets outside`],
    ].flatMap(([happened, what]) => (happened === true ? [String(what)] : []));
  }

  /** Processes of the machine that the attack started, by their arguments or environment. */
  survivors(): number[] {
    // What changes its number all the time may be passed over by one look.
    for (let look = 0; look < 3; look++) {
      const found = this.#marked();
      if (found.length > 0) return found;
    }
    return [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#victim.kill("SIGKILL");
    for (const server of this.#servers) server.close();
    // What breaks out may go on forking; each round takes what there is.
    for (let poll = 0; poll < DEATH_POLLS; poll++) {
      const left = this.survivors();
      if (left.length === 0) break;
      for (const pid of left) kill(pid);
      await sleep(5);
    }
    if (this.#victim.exitCode === null && this.#victim.signalCode === null) await once(this.#victim, "exit");
    try {
      rmSync(this.base, { recursive: true, force: true });
    } catch {
      // A folder that was closed to all, its owner too.
      execFileSync("chmod", ["-R", "u+rwX", this.base]);
      rmSync(this.base, { recursive: true, force: true, maxRetries: 3 });
    }
  }

  #marked(): number[] {
    return listPids("/proc").filter((pid) => {
      if (pid === process.pid || readProcess("/proc", pid)?.state === "Z") return false;
      const arguments_ = readIfThere(`/proc/${pid}/cmdline`) ?? "";
      return arguments_.includes(this.mark) || readIfThere(`/proc/${pid}/environ`)?.includes(this.mark) === true;
    });
  }

  #victimState(): string {
    return readProcess("/proc", this.#victim.pid ?? 0)?.state ?? "gone";
  }

  #write(name: string, content: string, mode: number): void {
    const path = join(this.base, name);
    writeFileSync(path, content);
    chmodSync(path, mode);
    if (process.getuid?.() === 0 && mode !== 0o600) chownSync(path, SANDBOX_USER, SANDBOX_USER);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
