/** A network for tests of `net/`: sockets, responses and timers that a test
 * controls, in Node and in browsers. */

const NAMES = ['WebSocket', 'fetch', 'setInterval', 'setTimeout'];

class FakeSocket extends EventTarget {
  static CONNECTING = 0;
  static OPEN = 1;
  static CLOSED = 3;
  readyState = FakeSocket.OPEN;
  sent = [];

  send(text) {
    this.sent.push(JSON.parse(text));
  }

  receive(frame) {
    this.dispatchEvent(Object.assign(new Event('message'), { data: JSON.stringify(frame) }));
  }

  close() {
    if (this.readyState === FakeSocket.CLOSED) return;
    this.readyState = FakeSocket.CLOSED;
    this.dispatchEvent(Object.assign(new Event('close'), { code: 1006 }));
  }
}

/** Waits until all settled promises have run their callbacks. */
export async function settled() {
  for (let at = 0; at < 50; at += 1) await null;
}

let last = Promise.resolve();

/** Runs `act` once the tests before it are done, with a network: `sockets` that were opened, `answers` by path, each
 * a function, the `requests` so far, and `timers`.
 * @param {(network: any) => Promise<void>} act */
export function withNetwork(act) {
  const done = last.then(() => run(act));
  last = done.catch(() => {});
  return done;
}

async function run(act) {
  const network = { sockets: [], requests: [], answers: {}, timers: [] };
  const fakes = {
    WebSocket: class extends FakeSocket {
      constructor() {
        super();
        network.sockets.push(this);
      }
    },
    fetch: async (path, { method }) => {
      network.requests.push(`${method} ${path}`);
      const found = network.answers[`${method} ${path}`] ?? network.answers[path.split('?')[0]];
      const { status = 200, body = [] } = await found?.() ?? {};
      return new Response(status === 204 ? null : JSON.stringify(body), { status });
    },
    setInterval: () => 0,
    setTimeout: (then, after) => network.timers.push({ then, after }),
  };
  const real = NAMES.map((name) => globalThis[name]);
  globalThis.addEventListener ??= () => {};
  globalThis.document ??= { addEventListener: () => {}, querySelector: () => null, visibilityState: 'visible' };
  globalThis.location ??= new URL('http://127.0.0.1/messages');
  const { info } = console;
  console.info = () => {};
  Object.assign(globalThis, fakes);
  try {
    await act(network);
  } finally {
    console.info = info;
    NAMES.forEach((name, at) => { globalThis[name] = real[at]; });
  }
}
