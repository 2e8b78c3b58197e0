// One WebSocket to a gateway: requests are numbered, answers matched, silence noticed.

import {RtcdnError} from './errors';
import {PROTOCOL} from './messages';
import type {AnswerTo, ClientRequest, Problem, ServerEvent} from './messages';
import type {Socket, TransportPort} from './transport';

const OPEN_MS = 5_000; // until a socket is open
const PING_MS = 5_000; // until a ping is answered

type Unnumbered<T> = T extends unknown ? Omit<T, 'id'> : never;

/** A request without its number, and what it is answered with. */
export type Body = Unnumbered<ClientRequest>;
export type AnswerOf<B extends Body> = AnswerTo[B['type']];

/** What a channel tells. */
export interface ChannelListener {
  event(event: ServerEvent): void;
  /** It is over; requests without an answer have been rejected with the reason `broken`. */
  closed(detail: string): void;
}

interface Pending {
  resolve(answer: unknown): void;
  reject(error: RtcdnError): void;
  timer: ReturnType<typeof setTimeout>;
}

type Incoming = {re: number; ok?: boolean; problem?: Problem} | ServerEvent;

/** One connection to a gateway, from the opening of its socket to its end. */
export class Channel {
  private readonly socket: Socket;
  private readonly pending = new Map<number, Pending>();
  private ids = 0;
  private over = false;
  private pinging: ReturnType<typeof setInterval> | undefined;
  /** Resolves when the socket is open. */
  readonly opened: Promise<void>;

  constructor(transport: TransportPort, url: string, private readonly listener: ChannelListener) {
    let open!: () => void;
    let fail!: (error: RtcdnError) => void;
    this.opened = new Promise((resolve, reject) => ([open, fail] = [resolve, reject]));
    this.opened.catch(() => undefined); // whoever awaits it is told
    const timer = setTimeout(() => this.fail('the gateway does not answer', fail), OPEN_MS);
    this.socket = transport.open(url, PROTOCOL, {
      opened: () => {
        clearTimeout(timer);
        open();
      },
      message: text => this.take(text),
      closed: detail => {
        clearTimeout(timer);
        this.fail(detail, fail);
      },
    });
  }

  /** Ask, and wait for the answer; a problem is thrown as `RtcdnError`. */
  request<B extends Body>(body: B, limitMs: number): Promise<AnswerOf<B>> {
    if (this.over) return Promise.reject(broken('the connection is closed'));
    const id = ++this.ids;
    return new Promise<AnswerOf<B>>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.pending.delete(id);
        reject(new RtcdnError('timeout', `no answer to ${body.type} within ${limitMs / 1000} s`, 'try again'));
      }, limitMs);
      this.pending.set(id, {resolve: answer => resolve(answer as AnswerOf<B>), reject, timer});
      this.socket.send(JSON.stringify({...body, id}));
    });
  }

  /** Look every so many seconds whether the gateway is still there. */
  keepAlive(everyS: number): void {
    this.pinging ??= setInterval(() => this.ping(), everyS * 1000);
  }

  /** Is the gateway still there? Without an answer the channel ends. */
  ping(): void {
    this.request({type: 'ping'}, PING_MS).catch((error: unknown) => {
      if (error instanceof RtcdnError && error.reason === 'timeout') this.fail('the gateway is silent');
    });
  }

  /** Say something and wait for nothing. */
  say(body: Body): void {
    if (!this.over) this.socket.send(JSON.stringify({...body, id: ++this.ids}));
  }

  /** Close the socket; the listener is not told. */
  close(): void {
    this.finish('closed');
  }

  private take(text: string): void {
    let message: Incoming;
    try {
      message = JSON.parse(text) as Incoming;
    } catch {
      return this.fail('the gateway sent something that is no JSON');
    }
    if ('event' in message) return this.listener.event(message);
    const pending = this.pending.get(message.re);
    if (!pending) return; // an answer that came too late
    this.pending.delete(message.re);
    clearTimeout(pending.timer);
    if (message.problem) pending.reject(RtcdnError.of(message.problem));
    else pending.resolve(message);
  }

  private fail(detail: string, refuse?: (error: RtcdnError) => void): void {
    if (!this.finish(detail)) return;
    refuse?.(broken(detail));
    this.listener.closed(detail);
  }

  private finish(detail: string): boolean {
    if (this.over) return false;
    this.over = true;
    clearInterval(this.pinging);
    for (const {reject, timer} of this.pending.values()) {
      clearTimeout(timer);
      reject(broken(detail));
    }
    this.pending.clear();
    this.socket.close();
    return true;
  }
}

/** The error of a request that was cut off: nobody knows whether it was done. */
export const broken = (detail: string): RtcdnError => new RtcdnError('broken', detail);
