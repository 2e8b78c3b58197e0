// One media connection: the client offers, the gateway answers, candidates trickle, and it may fail.

import {RtcdnError} from './errors';
import type {Keep} from './link';
import type {MediaPort, Peer, PeerListener} from './media';
import type {IceCandidate, OfferAnswer, Purpose, Source} from './messages';
import type {AnswerOf, Body} from './channel';

/** What connections need of the session. */
export interface Wiring {
  readonly media: MediaPort;
  request<B extends Body>(body: B, keep?: Keep): Promise<AnswerOf<B>>;
  iceServers(): readonly RTCIceServer[];
  /** Media by TURN servers alone. */
  relayOnly: boolean;
  /** The session's codec, for the offer of what is sent; nothing where all are taken. */
  codec(): string;
  problem(error: unknown): void;
}

export const GRACE_MS = 4_000; // after a failure, until we ask by ourselves: the gateway mostly does so before
const CONNECT_MS = 12_000; // until a new connection is up
const BATCH_MS = 20;

/** May a connection that could not be had be had a moment later? */
export const passing = (error: unknown): boolean => {
  const status = error instanceof RtcdnError ? error.status : 400;
  return status === 0 || status === 409 || status === 429 || status >= 500;
};

/** What a connection tells its owner. */
export interface ConnectionListener {
  connected(): void;
  /** It failed, and for some seconds nobody said what comes in its place. */
  failed(): void;
}

/** One peer with its id at the gateway. */
export class Connection {
  readonly peer: Peer;
  closed = false;
  private answered = false;
  private found: IceCandidate[] = [];
  private complete = false;
  private batch: ReturnType<typeof setTimeout> | undefined;
  private patience: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly wiring: Wiring,
    readonly purpose: Purpose,
    public id: string,
    private readonly listener: ConnectionListener,
    iceServers: readonly RTCIceServer[] = wiring.iceServers(),
  ) {
    const own: PeerListener = {
      state: state => {
        if (state === 'connected') {
          this.wait(0);
          listener.connected();
        } else if (state === 'failed') this.wait(GRACE_MS);
      },
      candidate: candidate => {
        if (candidate) this.found.push(candidate);
        else this.complete = true;
        this.trickle();
      },
    };
    this.peer = wiring.media.peer(iceServers, own, wiring.relayOnly);
  }

  get connected(): boolean {
    return !this.closed && this.peer.state === 'connected';
  }

  /** Offer it to the gateway; asked again, renegotiate it. `sources` is read once the mids are known. */
  async open(sources: () => Record<string, Source>): Promise<OfferAnswer> {
    const sdp = await this.peer.offer();
    const {id: connection, purpose} = this;
    const answer = await this.wiring.request({type: 'offer', connection, purpose, sdp, sources: sources()});
    await this.accept(answer);
    return answer;
  }

  /** Take the gateway's answer to our offer. */
  async accept(answer: OfferAnswer): Promise<void> {
    if (this.closed) throw new RtcdnError('closed', 'the connection was given up');
    this.id = answer.connection;
    if (!this.answered) {
      this.wait(CONNECT_MS);
      await this.peer.gather(this.wiring.iceServers()); // of an offer that was made before they were known
    }
    await this.peer.answer(answer.sdp);
    this.answered = true;
    this.trickle();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.batch);
    this.wait(0);
    this.peer.close();
  }

  /** Failed unless something else is said within `ms`; 0 calls it off. */
  private wait(ms: number): void {
    clearTimeout(this.patience);
    if (ms > 0) this.patience = setTimeout(() => this.listener.failed(), ms);
  }

  private trickle(): void {
    if (!this.answered || this.closed || this.batch) return;
    this.batch = setTimeout(() => {
      this.batch = undefined;
      const candidates = this.found.splice(0, 64);
      const complete = this.complete && !this.found.length;
      if (!candidates.length && !complete) return;
      const body = {type: 'candidates', connection: this.id, candidates, complete} as const;
      this.wiring.request(body, 'each').catch((error: unknown) => this.closed || this.wiring.problem(error));
      if (this.found.length) this.trickle();
    }, BATCH_MS);
  }
}
