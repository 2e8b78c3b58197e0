// A gateway for tests: answers like one, keeps a transcript, breaks sockets when told to.

import {fakeAnswer} from './media.fake';
import type {Joined, Problem, ServerEvent} from './messages';
import type {Socket, SocketListener, TransportPort} from './transport';

type Loose<T> = T extends {event: string} ? Pick<T, 'event'> & Partial<T> : never;
/** An event that may leave out what is empty. */
export type Told = Loose<ServerEvent>;

/** A request as it came. */
export interface Asked {
  type: string;
  id: number;
  [field: string]: unknown;
}

type Reply = Record<string, unknown> | {problem: Problem} | null | Promise<Record<string, unknown>>;

/** A problem document. */
export const problem = (kind: string, status: number, more: Partial<Problem> = {}): {problem: Problem} => ({
  problem: {type: `urn:rtcdn:problem:${kind}`, title: kind, status, ...more},
});

/** One socket that a client opened. */
export class FakeSocket implements Socket {
  open = false;

  constructor(
    private readonly gateway: FakeGateway,
    readonly url: string,
    readonly protocol: string,
    readonly listener: SocketListener,
  ) {}

  send(text: string): void {
    if (this.open) this.gateway.take(this, JSON.parse(text) as Asked);
  }

  close(): void {
    this.open = false;
  }

  /** The network breaks it. */
  cut(detail = 'cut'): void {
    this.open = false;
    this.listener.closed(detail);
  }

  tell(message: Record<string, unknown> | Told): void {
    if (this.open) this.listener.message(JSON.stringify(message));
  }
}

/** Answers all requests; `replies` overrides by type (null: no answer). */
export class FakeGateway implements TransportPort {
  readonly sockets: FakeSocket[] = [];
  readonly asked: Asked[] = [];
  readonly replies = new Map<string, (asked: Asked) => Reply>();
  readonly pages = new Map<string, {status: number; json: unknown}>();
  reachable = true;
  rights = ['view', 'speak', 'publish'];
  role: Joined['role'] = 'viewer';
  iceServers: Joined['ice_servers'] = [];
  entries: Joined['entries'] = [];
  private connections = 0;
  private numbers = 0;
  private watcher: {online(): void; leaving(): void} | null = null;

  open(url: string, protocol: string, listener: SocketListener): Socket {
    const socket = new FakeSocket(this, url, protocol, listener);
    this.sockets.push(socket);
    queueMicrotask(() => {
      if (!this.reachable) return listener.closed('refused');
      socket.open = true;
      listener.opened();
    });
    return socket;
  }

  async get(url: string): Promise<{status: number; json: unknown}> {
    return this.pages.get(url) ?? {status: 0, json: null};
  }

  watch(listener: {online(): void; leaving(): void}): () => void {
    this.watcher = listener;
    return () => (this.watcher = null);
  }

  online(): void {
    this.watcher?.online();
  }

  leavePage(): void {
    this.watcher?.leaving();
  }

  get watched(): boolean {
    return this.watcher !== null;
  }

  get socket(): FakeSocket {
    return this.sockets[this.sockets.length - 1] as FakeSocket;
  }

  /** Say something to the client. */
  tell(event: Told): void {
    this.socket.tell(event);
  }

  /** Requests of one type, without number. */
  of(type: string): Record<string, unknown>[] {
    return this.asked.filter(each => each.type === type).map(({id: _id, type: _type, ...rest}) => rest);
  }

  last(type: string): Record<string, unknown> {
    return this.of(type).pop() ?? {};
  }

  take(socket: FakeSocket, asked: Asked): void {
    this.asked.push(asked);
    const reply = (this.replies.get(asked.type) ?? (each => this.reply(each)))(asked);
    void Promise.resolve(reply).then(said => said && socket.tell({re: asked.id, ok: !('problem' in said), ...said}));
  }

  /** What a gateway answers when nothing stands against it. */
  reply(asked: Asked): Record<string, unknown> {
    switch (asked.type) {
      case 'join':
        return {...this.joined(asked), receive: this.answer({...asked, sdp: asked.offer, purpose: 'receive'})};
      case 'resume':
        return {...this.joined(asked), resumed: true, receive: null};
      case 'offer':
        return this.answer(asked);
      case 'publish':
        return {role: this.role === 'viewer' ? 'speaker' : this.role};
      case 'unpublish':
        return {role: 'viewer'};
      case 'send':
        return {n: ++this.numbers};
      case 'participants':
        return {participants: [{participant: 'alice', name: 'Alice'}], total: 1, next: ''};
      default:
        return {};
    }
  }

  private answer(asked: Asked): Record<string, unknown> {
    const sdp = String(asked.sdp);
    const mids = [...sdp.matchAll(/^m=(\w+)[^]*?^a=mid:(\S+)/gm)].map(([, kind, mid]) => ({kind, mid}));
    const slots = ['v1', 'v2', 'v3', 'v4', 's1'];
    const media = mids.map(({kind, mid}) => (kind === 'video' ? {mid, slot: slots.shift()} : {mid}));
    if (asked.connection) this.connections = Math.max(this.connections, Number(String(asked.connection).slice(1)));
    const connection = asked.connection || `c${++this.connections}`;
    return {connection, sdp: fakeAnswer(sdp), media: asked.purpose === 'receive' ? media : []};
  }

  private joined({session, participant}: Asked): Omit<Joined, 're' | 'ok'> {
    return {
      version: 1,
      session: String(session),
      participant: String(participant ?? 'bob'),
      role: this.role,
      rights: this.rights,
      name: 'Bob',
      region: 'eu',
      codec: 'vp8',
      slots: ['v1', 'v2', 'v3', 'v4', 's1'],
      resume: {key: 'k'.repeat(32), within_s: 45},
      limits: {messages_ps: 20, data_ps: 5, message_bytes: 65536, data_bytes: 16384, ping_s: 15},
      resumed: false,
      ice_servers: this.iceServers,
      entries: this.entries,
      receive: null,
    };
  }
}
