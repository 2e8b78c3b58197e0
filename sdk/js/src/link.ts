// The way to the gateway over all its sockets: connects, connects again, keeps what may be asked again.

import {State} from './api';
import {Channel} from './channel';
import type {AnswerOf, Body} from './channel';
import {RtcdnError} from './errors';
import type {Join, Joined, Resume, ServerEvent} from './messages';
import type {ReconnectPolicy} from './policy';
import type {TransportPort} from './transport';

const ANSWER_MS = 10_000;
const CONNECT_MS = 20_000; // how long the first connection may take

/**
 * What becomes of a request while there is no connection: `no`, it fails with `reconnecting`; `newest`, the last of
 * its kind is asked then; `each`, every one is, in order.
 */
export type Keep = 'no' | 'newest' | 'each';

/** What a link needs to know, and whom it tells. */
export interface LinkOptions {
  /** The address for a try, so many milliseconds after there was a connection. */
  url(sinceMs: number): string;
  transport: TransportPort;
  policy: ReconnectPolicy;
  now: () => number;
  random?: () => number;
  /** What to say first on a new socket: join or resume. */
  greeting(): Promise<Omit<Join, 'id'> | Omit<Resume, 'id'>>;
  /** The greeting was refused: true to try again with another one, false to end. */
  refused(error: RtcdnError): boolean;
  joined(answer: Joined): void;
  event(event: ServerEvent): void;
  state(state: State, before: State, attempt: number, error?: RtcdnError): void;
  closed(error: RtcdnError): void;
}

interface Kept {
  body: Body;
  key: string;
  resolve: ((answer: unknown) => void)[];
  reject: ((error: unknown) => void)[];
}

/** May it go better a moment later? */
const passing = (error: RtcdnError): boolean =>
  ['broken', 'timeout'].includes(error.reason) || error.status === 429 || error.status === 503;

const asError = (error: unknown): RtcdnError => {
  if (error instanceof RtcdnError) return error;
  return new RtcdnError('transport', error instanceof Error ? error.message : String(error));
};

/** The connection of a session to whichever gateway serves it. */
export class Link {
  state = State.Connecting;
  private channel: Channel | null = null;
  private greeted = false;
  private early: ServerEvent[] = [];
  private kept: Kept[] = [];
  private wake: (() => void) | null = null;
  private readonly unwatch: () => void;

  constructor(private readonly options: LinkOptions) {
    this.unwatch = options.transport.watch({
      online: () => (this.wake ? this.wake() : this.channel?.ping()),
      leaving: () => this.greeted && this.channel?.say({type: 'leave'}),
    });
  }

  /** The first connection; throws what stands against it. */
  async start(): Promise<void> {
    try {
      await this.dial(this.options.now() + Math.min(CONNECT_MS, this.options.policy.giveUpMs));
    } catch (error) {
      this.stop();
      throw asError(error);
    }
  }

  /** Ask the gateway. */
  async request<B extends Body>(body: B, keep: Keep = 'no', limitMs = ANSWER_MS): Promise<AnswerOf<B>> {
    if (this.state === State.Closed) throw new RtcdnError('closed', 'the session is over');
    if (this.channel && this.greeted) {
      try {
        return await this.channel.request(body, limitMs);
      } catch (error) {
        if (!(error instanceof RtcdnError && error.reason === 'broken')) throw error;
        if (keep === 'no') throw reconnecting('it may or may not have been done');
      }
    }
    if (keep === 'no') throw reconnecting('there is no connection to the gateway');
    return this.keep(body, keep);
  }

  /** The gateway goes: to another one, at once. */
  moveOn(): void {
    if (!this.channel || !this.greeted) return;
    this.channel.close();
    this.lost('the gateway goes');
  }

  /** End it; nothing is asked or told any more. */
  stop(): void {
    if (this.state === State.Closed) return;
    this.unwatch();
    this.tell(State.Closed, 0);
    this.channel?.close();
    this.channel = null;
    this.wake?.();
    for (const each of this.kept.splice(0)) reject(each, new RtcdnError('closed', 'the session is over'));
  }

  private get over(): boolean {
    return this.state === State.Closed;
  }

  private keep<B extends Body>(body: B, keep: Keep): Promise<AnswerOf<B>> {
    const key = [body.type, about(body), 'participant' in body ? body.participant : ''].join(' ');
    const before = keep === 'newest' ? this.kept.find(each => each.key === key) : undefined;
    return new Promise<AnswerOf<B>>((resolve, refuse) => {
      const entry = before ?? {body, key, resolve: [], reject: []};
      entry.body = body;
      entry.resolve.push(answer => resolve(answer as AnswerOf<B>));
      entry.reject.push(refuse);
      if (!before) this.kept.push(entry);
    });
  }

  /** Try until a gateway answers, something final is answered, or the time is over. */
  private async dial(untilMs: number): Promise<void> {
    const {policy, now, random = Math.random} = this.options;
    const sinceMs = now();
    let last: RtcdnError | undefined;
    let anew = false;
    for (let attempt = 0; ; attempt++) {
      if (attempt) this.tell(this.state, attempt, last);
      const pauseMs = anew ? 0 : Math.max(policy.pauseMs(attempt, random()), (last?.retryAfterS ?? 0) * 1000);
      anew = false;
      if (pauseMs > 0) await this.pause(Math.min(pauseMs, Math.max(untilMs - now(), 0)));
      if (this.over) throw new RtcdnError('closed', 'the session is over');
      try {
        return await this.greet(this.options.url(now() - sinceMs));
      } catch (error) {
        last = asError(error);
        this.channel?.close();
        this.channel = null;
        if (this.over) throw last;
        if (!passing(last)) {
          anew = this.options.refused(last);
          if (!anew) throw last;
        } else if (now() >= untilMs) {
          throw last.reason === 'broken' ? unreachable(last) : last;
        }
      }
    }
  }

  private async greet(url: string): Promise<void> {
    const greeting = await this.options.greeting();
    if (this.over) throw new RtcdnError('closed', 'the session is over');
    const channel: Channel = new Channel(this.options.transport, url, {
      event: event => (this.greeted ? this.options.event(event) : this.early.push(event)),
      closed: detail => this.channel === channel && this.greeted && this.lost(detail),
    });
    [this.channel, this.greeted, this.early] = [channel, false, []];
    await channel.opened;
    const answer = await channel.request(greeting, ANSWER_MS);
    if (this.over) throw new RtcdnError('closed', 'the session is over');
    channel.keepAlive(answer.limits.ping_s);
    this.options.joined(answer); // what it asks is asked once, with what was kept
    this.greeted = true;
    this.tell(State.Live, 0);
    for (const event of this.early.splice(0)) this.options.event(event);
    this.flush(answer.resumed);
  }

  /** Ask what was kept. What was about connections of before is void if one could only join anew. */
  private flush(resumed: boolean): void {
    for (const each of this.kept.splice(0)) {
      if (!resumed && about(each.body)) reject(each, reconnecting('the connection it was about is gone'));
      else {
        this.request(each.body, 'each').then(
          answer => each.resolve.forEach(resolve => resolve(answer)),
          (error: unknown) => reject(each, error),
        );
      }
    }
  }

  private lost(detail: string): void {
    [this.channel, this.greeted] = [null, false];
    this.tell(State.Reconnecting, 0, new RtcdnError('transport', detail));
    this.dial(this.options.now() + this.options.policy.giveUpMs).catch((error: unknown) => {
      if (this.state === State.Closed) return;
      this.stop();
      this.options.closed(asError(error));
    });
  }

  private pause(ms: number): Promise<void> {
    return new Promise(resolve => {
      const done = (): void => {
        clearTimeout(timer);
        this.wake = null;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.wake = done;
    });
  }

  private tell(state: State, attempt: number, error?: RtcdnError): void {
    const before = this.state;
    this.state = state;
    if (state !== before || attempt) this.options.state(state, before, attempt, error);
  }
}

/** The connection that a request is about; empty where it is about none. */
const about = (body: Body): string => ('connection' in body && body.connection) || '';

const unreachable = ({detail}: RtcdnError): RtcdnError =>
  new RtcdnError('transport', `no gateway answers (${detail})`, 'check the address and the network');

const reconnecting = (detail: string): RtcdnError =>
  new RtcdnError('reconnecting', detail, 'try again when the connection is back');

const reject = (kept: Kept, error: unknown): void => kept.reject.forEach(each => each(error));
