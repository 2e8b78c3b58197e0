// The voice connection: one's own microphone out, what all others say in (never one's own voice).

import {Connection, GRACE_MS, passing} from './connection';
import type {Wiring} from './connection';
import {Handover} from './handover';
import type {Line} from './media';

interface Talk {
  connection: Connection;
  line: Line;
}

/** Encodes nothing until one is live; then the microphone is switched on without a new connection. */
export class Voice {
  private readonly talks: Handover<Talk>;
  private microphone: MediaStreamTrack | null = null;
  private live = false;
  private retry: ReturnType<typeof setTimeout> | undefined;

  /** `sound`: what others say, or null while the mix of the audience is to be heard instead. */
  constructor(
    private readonly wiring: Wiring,
    private readonly sound: (track: MediaStreamTrack | null) => void,
  ) {
    this.talks = new Handover(wiring);
  }

  async connect(id: string, iceServers?: readonly RTCIceServer[]): Promise<void> {
    if (id && this.talks.next?.connection.id === id) return; // asked once more after a resume
    clearTimeout(this.retry);
    const talk = this.talks.begin(this.make(id, iceServers));
    try {
      await talk.connection.open(() => ({[talk.line.mid]: 'microphone'}));
      if (!this.talks.current && this.talks.next === talk) this.talks.complete();
      this.apply();
    } catch (error) {
      if (this.talks.next !== talk) return;
      this.talks.drop(talk);
      this.wiring.problem(error);
      if (passing(error)) this.retry = setTimeout(() => void this.connect(''), GRACE_MS);
    }
  }

  /** The microphone, and whether one is live. */
  set(microphone: MediaStreamTrack | null, live: boolean): void {
    [this.microphone, this.live] = [microphone, live];
    this.apply();
  }

  ended(id: string): void {
    if (this.talks.ended(id)) this.apply();
  }

  connections(): Connection[] {
    return this.talks.all().map(each => each.connection);
  }

  close(): void {
    clearTimeout(this.retry);
    this.talks.close();
    this.apply();
  }

  private make(id: string, iceServers?: readonly RTCIceServer[]): Talk {
    const connected = (): void => {
      if (talk === this.talks.next) this.talks.complete();
      this.apply();
    };
    const failed = (): void => {
      const lost = talk === this.talks.current ? !this.talks.next : talk === this.talks.next;
      if (lost) void this.connect('');
    };
    const connection = new Connection(this.wiring, 'voice', id, {connected, failed}, iceServers);
    const talk: Talk = {connection, line: connection.peer.talk(null)};
    return talk;
  }

  /** The microphone goes to the connection used now, and to no other. */
  private apply(): void {
    const {current} = this.talks;
    const speaking = this.live && current !== null && current.connection.connected;
    for (const each of this.talks.all()) {
      const track = speaking && each === current ? this.microphone : null;
      each.line.replace(track).catch((error: unknown) => each.connection.closed || this.wiring.problem(error));
    }
    this.sound(speaking ? current.line.track : null);
  }
}
