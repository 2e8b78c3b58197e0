// A connection that stays: makes a resource and a PeerConnection, notices when they end, makes them again.

import {Refusal, Resource} from './resource.js';
import {wordsOfMedia} from './words.js';

const CONNECT_MS = 8000;
const DISCONNECTED_MS = 1200; // a short interruption heals by itself
const STALL_MS = 2000; // media that flowed and stopped altogether: the node is gone
const LOOK_MS = 250;
const PAUSES_MS = [250, 500, 1000, 2000, 4000];

/** Events: `state` (detail {state, words}), `connection` (detail the RTCPeerConnection). States: connecting, live, stopped. */
export class Connection extends EventTarget {
  #way; #session; #token; #prepare; #run = 0; #fails = 0; #resource = null; #wake = null;
  pc = null; state = 'idle'; reconnects = 0;

  /** `prepare(pc)` adds what is sent or received. */
  constructor(way, session, token, prepare) {
    super();
    [this.#way, this.#session, this.#token, this.#prepare] = [way, session, token, prepare];
    addEventListener('pagehide', () => this.#resource?.leave());
    addEventListener('online', () => this.#wake?.());
  }

  get resourceUrl() { return this.#resource?.url ?? ''; }

  /** Connect, and connect again whenever it ends, until `stop` or a refusal that is final. */
  async start() {
    const run = ++this.#run;
    this.#fails = 0;
    while (run === this.#run) {
      const words = await this.#once(run);
      if (run !== this.#run) return;
      if (words && !words.retry) return this.#tell('stopped', words);
      this.#tell('connecting', words);
      await this.#pause(words);
      this.reconnects++;
    }
  }

  /** End it. */
  async stop() {
    this.#run++;
    this.#wake?.();
    await this.#close();
    this.#tell('idle');
  }

  /** One connection from its offer to its end; words of what went wrong, or null when it was good and ended. */
  async #once(run) {
    const pc = this.pc = new RTCPeerConnection();
    this.#resource = new Resource(this.#way, this.#session, this.#token);
    if (this.state !== 'live' && !this.#fails) this.#tell('connecting');
    try {
      this.#prepare(pc);
      this.dispatchEvent(new CustomEvent('connection', {detail: pc}));
      await this.#resource.join(pc);
      if (run !== this.#run) return null;
      if (!await this.#connected(pc)) { this.#fails++; return wordsOfMedia(); }
      this.#fails = 0;
      this.#tell('live');
      await this.#over(pc, run);
      return null;
    } catch (error) {
      this.#fails++;
      if (!(error instanceof Refusal)) return {title: 'Something went wrong here', text: error.message, cure: 'Reload the page.', retry: true};
      return {...error.words, afterMs: error.retryAfterS * 1000};
    } finally {
      if (this.pc === pc) this.#close();
    }
  }

  #connected(pc) {
    return new Promise(resolve => {
      const timer = setTimeout(() => resolve(false), CONNECT_MS);
      const look = () => {
        if (!['connected', 'failed', 'closed'].includes(pc.connectionState)) return;
        clearTimeout(timer);
        resolve(pc.connectionState === 'connected');
      };
      pc.addEventListener('connectionstatechange', look);
      look();
    });
  }

  /** Resolves when the connection is over: closed by the other side, failed, or silent. */
  async #over(pc, run) {
    const transport = (pc.getReceivers()[0] ?? pc.getSenders()[0])?.transport;
    let bytes = 0, movedMs = performance.now(), brokenMs = 0;
    while (run === this.#run) {
      await new Promise(resolve => setTimeout(resolve, LOOK_MS));
      const nowMs = performance.now();
      if (['failed', 'closed'].includes(pc.connectionState) || ['failed', 'closed'].includes(transport?.state)) return;
      brokenMs = pc.connectionState === 'disconnected' ? brokenMs || nowMs : 0;
      if (brokenMs && nowMs - brokenMs > DISCONNECTED_MS) return;
      const now = await received(pc);
      if (now !== bytes) movedMs = nowMs;
      bytes = now;
      if (this.#way === 'whep' && bytes > 0 && nowMs - movedMs > STALL_MS && document.visibilityState === 'visible') return;
    }
  }

  #pause(words) {
    const base = this.#fails ? PAUSES_MS[Math.min(this.#fails - 1, PAUSES_MS.length - 1)] : 50;
    const pauseMs = Math.max(base * (0.75 + Math.random() / 2), words?.afterMs ?? 0);
    return new Promise(resolve => {
      this.#wake = resolve;
      setTimeout(resolve, pauseMs);
    });
  }

  async #close() {
    const resource = this.#resource;
    this.#resource = null;
    this.pc?.close();
    this.pc = null;
    await resource?.leave();
  }

  #tell(state, words = null) {
    this.state = state;
    this.dispatchEvent(new CustomEvent('state', {detail: {state, words}}));
  }
}

async function received(pc) {
  let sum = 0;
  for (const each of (await pc.getStats()).values()) if (each.type === 'inbound-rtp') sum += each.bytesReceived ?? 0;
  return sum;
}
