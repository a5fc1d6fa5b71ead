import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** What `scripts/test-peers.js` installed. */
const FOLDER = process.env["ATOS_PEERS"] ?? "";
const START_MS = 60_000;
const END_MS = 5_000;

/** A real model server in a process of its own, on a free port of the loopback. */
export class Peer implements AsyncDisposable {
  readonly baseUrl: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, origin: string) {
    this.#child = child;
    this.baseUrl = `${origin}/v1`;
  }

  /** llama.cpp's own server. */
  static llamaServer(model: string, args: readonly string[] = []): Promise<Peer> {
    const common = ["--host", "127.0.0.1", "--port", "0", "--threads", "1", "--no-webui", "-m", model];
    return Peer.#start(join(FOLDER, "build/bin/llama-server"), [...common, ...args]);
  }

  /** The server of llama-cpp-python. */
  static llamaCppPython(model: string, args: readonly string[] = []): Promise<Peer> {
    const common = ["--host", "127.0.0.1", "--port", "0", "--n_threads", "1", "--model", model];
    return Peer.#start(PYTHON, ["-m", "llama_cpp.server", ...common, ...args]);
  }

  /** The `ollama` that is installed, with models and settings of its own. */
  static ollama(folder: string, settings: Readonly<Record<string, string>>): Promise<Peer> {
    const env = { HOME: folder, OLLAMA_MODELS: join(folder, "models"), OLLAMA_HOST: "127.0.0.1:0", ...settings };
    return Peer.#start("ollama", ["serve"], env);
  }

  /** Makes a model of Ollama's from a Modelfile. */
  async create(name: string, modelfile: string): Promise<void> {
    const env = { ...peerEnvironment(), OLLAMA_HOST: new URL(this.baseUrl).host };
    await promisify(execFile)("ollama", ["create", name, "-f", modelfile], { env });
  }

  static async #start(command: string, args: readonly string[], settings: NodeJS.ProcessEnv = {}): Promise<Peer> {
    const env = { ...peerEnvironment(), ...settings };
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env });
    try {
      return new Peer(child, await addressOf(child));
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    // Asked first: Ollama has children, which a kill would leave behind.
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), END_MS);
    await ended;
    clearTimeout(timer);
  }
}

export const PYTHON: string = join(FOLDER, "venv/bin/python");

export function peerEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, LLAMA_CPP_LIB_PATH: join(FOLDER, "build/bin"), PYTHONUNBUFFERED: "1" };
}

/** Every one of them says where it listens once it does. */
async function addressOf(child: ChildProcess): Promise<string> {
  let said = "";
  const listening = new Promise<string>((resolve, reject) => {
    const read = (bytes: unknown): void => {
      said += String(bytes);
      const port = /(?:listening|running) on (?:http:\/\/)?[\w.]+:(\d+)/i.exec(said)?.[1];
      if (port !== undefined) resolve(`http://127.0.0.1:${port}`);
    };
    child.stdout?.on("data", read);
    child.stderr?.on("data", read);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the peer ended with ${code}:\n${said.slice(-3000)}`)));
    setTimeout(() => reject(new Error(`the peer did not start:\n${said.slice(-3000)}`)), START_MS).unref();
  });
  return await listening;
}

/** A folder for models that is gone with the process. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "atos-peers-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
