import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { connect, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { openNetwork } from "../../src/sandbox/network/open-network.ts";
import type { NetworkRule } from "../../src/sandbox/sandbox.ts";
import { openWebServer } from "../../src/tools/servers/web/open-web-server.ts";
import type { Attack } from "./attack.ts";
import { verdictOf } from "./attack.ts";
import { Prey } from "./prey.ts";
import { twoSided } from "./two-sided.ts";

const category = "download redirects and rebinding";

/** Names as an attacker's name server answers them: each question with the next address, the last one for ever. */
type Names = Readonly<Record<string, readonly string[]>>;
type Download = (url: string, path: string) => Promise<string>;
type Open = (root: string, names: Names, site: string) => Download;

function resolver(names: Names): (host: string) => Promise<readonly string[]> {
  const asked = new Map<string, number>();
  return async (host) => {
    const count = asked.get(host) ?? 0;
    asked.set(host, count + 1);
    const answers = names[host];
    const answer = answers?.[Math.min(count, answers.length - 1)];
    if (answer === undefined) throw new Error("no such name");
    return answer.split(" ");
  };
}

/** `site` stands for a public web server: the tests have none, so a person named it. */
const real: Open = (root, names, site) => {
  const reach = { allowPrivate: [site], resolve: resolver(names) };
  const tool = openWebServer({ root, reach, sleep: async () => {} }).tools.find(({ name }) => name === "download_file");
  if (tool === undefined) throw new Error("there is no tool download_file");
  return async (url, path) => {
    const input = tool.input.safeParse({ url, path });
    if (!input.success) return "refused";
    const result = await tool.run(input.data, { signal: AbortSignal.timeout(20_000), idempotencyKey: "attack" });
    return result.ok ? `saved ${readFileSync(join(root, path), "utf8").slice(0, 1000)}` : result.why;
  };
};

/** Looks at the name and fetches it then; a name's address is asked for twice. */
const naive: Open = (root, names) => {
  const resolve = resolver(names);
  return async (url, path) => {
    let said = "";
    try {
      const target = new URL(url);
      if (target.protocol === "file:") said = readFileSync(target, "utf8");
      else {
        if (/^https?:\/\/(?:127\.0\.0\.1|localhost)[:/]/.test(url) && !url.includes("/site/")) return "refused";
        [target.username, target.password] = ["", ""];
        if (names[target.hostname] !== undefined) {
          const [first] = await resolve(target.hostname);
          if (first?.startsWith("127.") === true && url.includes("checked")) return "refused";
          [target.hostname = ""] = await resolve(target.hostname);
        }
        const response = await fetch(target, { signal: AbortSignal.timeout(url.includes("/site/") ? 5000 : 400) });
        const bytes = Buffer.from(await response.arrayBuffer());
        mkdirSync(join(root, path, ".."), { recursive: true });
        writeFileSync(join(root, path), bytes);
        said = bytes.toString("utf8");
      }
    } catch (error) {
      return String(error);
    }
    return said.slice(0, 1000);
  };
};

type Plan = {
  readonly names?: Names;
  /** What the public site answers. */
  readonly site?: (prey: Prey) => RequestListener;
  readonly urls: (at: {
    readonly prey: Prey;
    readonly port: string;
    readonly site: string;
  }) => readonly (string | readonly [url: string, path: string])[];
  readonly judge?: (prey: Prey) => readonly string[];
};

function download(name: string, plan: Plan): Attack {
  return twoSided<Open>({
    category,
    name,
    wall: "web",
    real: () => real,
    naive: () => naive,
    attack: async (open) => {
      await using prey = await Prey.open();
      await using site = await serve(plan.site?.(prey) ?? ((_, response) => response.end("public")));
      const fetched = open(prey.root, plan.names ?? {}, site.host);
      const port = prey.env["PORT"] ?? "";
      const said: string[] = [];
      for (const each of plan.urls({ prey, port, site: `http://${site.host}/site/` })) {
        const [url, path] = typeof each === "string" ? [each, "saved.txt"] : each;
        said.push(await fetched(url, path));
      }
      return verdictOf([...prey.damage(said.join("\n")), ...(plan.judge?.(prey) ?? [])]);
    },
  });
}

async function serve(listener: RequestListener): Promise<AsyncDisposable & { readonly host: string }> {
  const server: Server = createServer(listener);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  return {
    host: `127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

const redirect =
  (to: (prey: Prey) => string) =>
  (prey: Prey): RequestListener =>
  (_, response) =>
    void response.writeHead(302, { location: to(prey) }).end();
const saved = ({ root }: Prey): number =>
  existsSync(join(root, "saved.txt")) ? statSync(join(root, "saved.txt")).size : 0;
const SPELLINGS = [
  "2130706433",
  "0x7f000001",
  "0177.0.0.1",
  "0x7f.1",
  "127.1",
  "127.0.1",
  "0",
  "0.0.0.0",
  "127.0.0.2",
  "127.0.0.1.",
  "localhost.",
  "LOCALHOST",
  "①②⑦.⓪.⓪.①",
  "127。0。0。1",
  "%31%32%37.0.0.1",
];
const SIX = [
  "[::1]",
  "[::ffff:127.0.0.1]",
  "[::ffff:7f00:1]",
  "[0:0:0:0:0:ffff:7f00:0001]",
  "[::127.0.0.1]",
  "[64:ff9b::7f00:1]",
  "[2002:7f00:1::]",
  "[fe80::1]",
  "[fc00::1]",
  "[::]",
];

export const ON_DOWNLOADS: readonly Attack[] = [
  download("this machine, by the spellings that its address has", {
    urls: ({ port }) => SPELLINGS.flatMap((host) => [`https://${host}:${port}/`, `http://${host}:${port}/`]),
  }),
  download("this machine, by the IPv6 forms of its address", {
    urls: ({ port }) => SIX.flatMap((host) => [`https://${host}:${port}/`, `http://${host}:${port}/`]),
  }),
  download("a public name whose address is private", {
    names: {
      "one.example": ["127.0.0.1"],
      "two.example": ["10.0.0.1 127.0.0.1"],
      "three.example": ["93.184.216.34 127.0.0.1"],
      "four.example": ["::ffff:127.0.0.1"],
    },
    urls: ({ port }) =>
      ["one", "two", "three", "four"].flatMap((name) => [
        `https://${name}.example:${port}/`,
        `http://${name}.example:${port}/`,
      ]),
  }),
  download("a name that is public when it is looked at and private when it is used", {
    names: { "rebinds.example": ["192.0.2.1", "127.0.0.1"] },
    urls: ({ port }) => [`https://rebinds.example:${port}/checked`, `http://rebinds.example:${port}/checked`],
  }),
  download("a redirect to this machine", {
    site: redirect((prey) => `http://127.0.0.1:${prey.env["PORT"]}/`),
    urls: ({ site }) => [site],
  }),
  download("a redirect to this machine over TLS, by a spelling, and without a scheme", {
    site: (prey) => (request, response) => {
      const port = prey.env["PORT"];
      const goals = [
        `https://127.0.0.1:${port}/`,
        `https://0x7f.1:${port}/`,
        `//127.0.0.1:${port}/`,
        `https://[::ffff:127.0.0.1]:${port}/`,
      ];
      response.writeHead(307, { location: goals[Number(request.url?.at(-1))] ?? "" }).end();
    },
    urls: ({ site }) => [0, 1, 2, 3].map((goal) => `${site}${goal}`),
  }),
  download("a chain of redirects, the last of them inward", {
    site: (prey) => (request, response) => {
      const left = Number(/\d+$/.exec(request.url ?? "")?.[0] ?? 4);
      response
        .writeHead(302, { location: left > 0 ? `/site/${left - 1}` : `http://127.0.0.1:${prey.env["PORT"]}/` })
        .end();
    },
    urls: ({ site }) => [`${site}4`],
  }),
  download("other schemes: files of this machine", {
    urls: ({ prey }) => [
      `file://${prey.secret}`,
      `file://localhost${prey.secret}`,
      `FILE://${prey.secret}`,
      `file:${prey.secret}`,
    ],
  }),
  download("user names that look like hosts", {
    urls: ({ port }) => [
      `http://example.com@127.0.0.1:${port}/`,
      `https://example.com:443@127.0.0.1:${port}/`,
      `http://example.com%2f@127.0.0.1:${port}/`,
      `https://example.com\\@127.0.0.1:${port}/`,
    ],
  }),
  download("an answer that unpacks to more than may be saved", {
    site: () => (_, response) =>
      response
        .writeHead(200, { "content-encoding": "gzip", "content-type": "text/plain" })
        .end(gzipSync(Buffer.alloc(40 << 20, "a"))),
    urls: ({ site }) => [site],
    judge: (prey) => (saved(prey) > 5_000_000 ? [`${saved(prey)} bytes were saved`] : []),
  }),
  download("an answer that is larger than it says, or says nothing of its size", {
    site: () => (_, response) => {
      response.writeHead(200, { "content-type": "text/plain" });
      for (let part = 0; part < 12; part++) response.write(Buffer.alloc(1 << 20, "a"));
      response.end();
    },
    urls: ({ site }) => [site],
    judge: (prey) => (saved(prey) > 5_000_000 ? [`${saved(prey)} bytes were saved`] : []),
  }),
  download("a file saved outside the workspace, or where git looks", {
    urls: ({ site, prey }) => [
      [site, "../prey/planted"],
      [site, `..${"/..".repeat(20)}${prey.folder}/planted`],
      [site, ".git/hooks/pre-commit"],
      [site, ".GIT/config"],
    ],
    judge: ({ root }) =>
      [".git", ".GIT"].filter((name) => existsSync(join(root, name))).map((name) => `saved in ${name}`),
  }),
  ...onProxy(),
];

/** The way of commands in the sandbox to hosts that are allowed. A raw request, and what comes back. */
type Proxy = AsyncDisposable & { ask(bytes: string): Promise<string> };
type OpenProxy = (allow: readonly NetworkRule[], names: Names) => Promise<Proxy>;

function onProxy(): Attack[] {
  const realProxy: OpenProxy = async (allow, names) => {
    const network = await openNetwork(allow, new AbortController().signal, {
      resolve: resolver(names),
      connectMs: 1500,
      idleMs: 1500,
    });
    return {
      ask: (bytes) => answered(network.socketPath, bytes),
      [Symbol.asyncDispose]: () => network[Symbol.asyncDispose](),
    };
  };
  const attack = (
    name: string,
    plan: { readonly names?: Names; readonly requests: (port: string) => readonly string[] },
  ): Attack =>
    twoSided<OpenProxy>({
      category,
      name,
      wall: "network",
      real: () => realProxy,
      naive: () => naiveProxy,
      attack: async (open) => {
        await using prey = await Prey.open();
        const port = prey.env["PORT"] ?? "";
        await using proxy = await open([{ host: "site.example", port: Number(port) }], plan.names ?? {});
        const said: string[] = [];
        for (const bytes of plan.requests(port)) said.push(await proxy.ask(bytes));
        return verdictOf(prey.damage(said.join("\n")));
      },
    });
  const connectTo = (host: string, port: string): string =>
    `CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`;
  const get = (url: string, host: string): string =>
    `GET ${url} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
  return [
    attack("the proxy, asked for this machine by its addresses", {
      requests: (port) =>
        ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0.0.0.0", "127.1"].flatMap(
          (host) => [connectTo(host, port), get(`http://${host}:${port}/site.example`, `${host}:${port}`)],
        ),
    }),
    attack("the proxy, asked for an allowed name that is this machine", {
      names: { "site.example": ["127.0.0.1"] },
      requests: (port) => [
        connectTo("site.example", port),
        get(`http://site.example:${port}/`, `site.example:${port}`),
        connectTo("SITE.example.", port),
      ],
    }),
    attack("the proxy, asked for an allowed name that changes its address", {
      names: { "site.example": ["192.0.2.1", "127.0.0.1"] },
      requests: (port) => [
        connectTo("site.example", port),
        get(`http://site.example:${port}/`, `site.example:${port}`),
      ],
    }),
    attack("the proxy, asked for an allowed name with one public and one private address", {
      names: { "site.example": ["192.0.2.1 127.0.0.1"] },
      requests: (port) => [
        connectTo("site.example", port),
        get(`http://site.example:${port}/`, `site.example:${port}`),
      ],
    }),
    attack("the proxy, asked for names that only begin, end or are written like an allowed one", {
      names: {
        "site.example.evil.test": ["127.0.0.1"],
        "evil-site.example": ["127.0.0.1"],
        "evil.test": ["127.0.0.1"],
        "sub.site.example": ["127.0.0.1"],
      },
      requests: (port) =>
        [
          "site.example.evil.test",
          "evil-site.example",
          "sub.site.example",
          "127.0.0.1#site.example",
          "site.example@127.0.0.1",
          "127.0.0.1:80#site.example",
          "ѕite.example@127.0.0.1",
        ].flatMap((host) => [connectTo(host, port), get(`http://${host}:${port}/`, `site.example:${port}`)]),
    }),
    attack("the proxy, told one host in the address and another in the header", {
      names: { "site.example": ["127.0.0.1"] },
      requests: (port) => [
        get(`http://127.0.0.1:${port}/`, "site.example"),
        get("/", `127.0.0.1:${port}`),
        `GET / HTTP/1.0\r\nHost: site.example\r\nHost: 127.0.0.1:${port}\r\n\r\n`,
        get(`//127.0.0.1:${port}/site.example`, "site.example"),
      ],
    }),
    attack("the proxy, with a second request hidden in the first", {
      names: { "site.example": ["127.0.0.1"] },
      requests: (port) => [
        `POST http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${get(`http://127.0.0.1:${port}/site.example`, "x")}`,
        `GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n${connectTo("127.0.0.1", port)}`,
        `CONNECT evil.test:443 HTTP/1.1\r\nHost: site.example\r\n\r\n${get(`http://127.0.0.1:${port}/site.example`, "site.example")}`,
        `GET http://site.example\r\n .evil:${port}/ HTTP/1.1\r\nHost: x\r\n\r\n${connectTo("127.0.0.1", port)}`,
      ],
    }),
  ];
}

async function answered(path: string | { readonly port: number }, bytes: string): Promise<string> {
  const socket = typeof path === "string" ? connect(path) : connect(path.port, "127.0.0.1");
  socket.on("error", () => {}).setTimeout(1000, () => socket.destroy());
  socket.write(bytes);
  return text(socket).catch(() => "");
}

/** Looks for the allowed host anywhere in what it is asked, takes the last request it is given, and connects to whatever that names. */
const naiveProxy: OpenProxy = async (allow, names) => {
  const resolve = resolver(names);
  const server = createTcpServer((client) => {
    client
      .on("error", () => {})
      .on("data", (chunk: Buffer) => {
        const asked = chunk.toString("utf8");
        const targets = [...asked.matchAll(/(?:CONNECT |:?\/\/)(?:[^\s/@#]*[@#])?(\[[^\]]+\]|[^\s/:#@]+)(?::(\d+))?/g)];
        const [, host = "", port = "80"] = targets.at(-1) ?? [];
        const allowed =
          allow.some((rule) => asked.includes(rule.host)) || /^(?:0x|\[|\d+$|127|localhost|0\.)/.test(host);
        if (!allowed) return client.end("HTTP/1.1 403 no\r\n\r\n");
        const name = host
          .toLowerCase()
          .replace(/\.$/, "")
          .replace(/^\[(.*)\]$/, "$1");
        void (async () => {
          const first =
            names[name] === undefined
              ? [new URL(`http://${host}/`).hostname.replace(/^\[(.*)\]$/, "$1")]
              : [...(await resolve(name)), ...(await resolve(name))];
          connect(Number(port), first.find((address) => address.startsWith("127.")) ?? first[0] ?? "")
            .on("error", () => client.destroy())
            .pipe(client);
        })().catch(() => client.destroy());
      });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    ask: (bytes) => answered({ port }, bytes),
    async [Symbol.asyncDispose]() {
      server.close();
    },
  };
};
