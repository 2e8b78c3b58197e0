// The send connection: camera and screen, made when there is something to send and one is live.

import {Connection, GRACE_MS, passing} from './connection';
import type {Wiring} from './connection';
import {Handover} from './handover';
import type {Layer, Line} from './media';
import type {Source} from './messages';

/** The layers of a camera of 1280x720: whole, half and a quarter. */
export const LAYERS: readonly Layer[] = [
  {rid: 'h', scale: 1, maxBitrate: 1_200_000},
  {rid: 'm', scale: 2, maxBitrate: 400_000},
  {rid: 'l', scale: 4, maxBitrate: 150_000},
];

const LEAST_PIXELS = 960 * 540;

/**
 * The layers of a camera: of a small one browsers leave out the lowest, and who gets that one would see nothing when
 * the camera takes over a slot. So it is sent plain, which every viewer gets.
 */
export function layersOf(camera: MediaStreamTrack): readonly Layer[] {
  const {width = 0, height = 0} = camera.getSettings();
  return width > 0 && width * height < LEAST_PIXELS ? [] : LAYERS;
}

interface Sent {
  connection: Connection;
  camera: Line | null;
  screen: Line | null;
  told: string; // the sources last told, as JSON
}

/** Makes what is sent be what is wanted, one step after the other. */
export class Sending {
  private readonly sent: Handover<Sent>;
  private camera: MediaStreamTrack | null = null;
  private screen: MediaStreamTrack | null = null;
  private live = false;
  private steps: Promise<void> = Promise.resolve();
  private retry: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly wiring: Wiring) {
    this.sent = new Handover(wiring);
  }

  /** What is wanted; resolves when it is so, throws what stands against it. */
  set(wanted: {camera?: MediaStreamTrack | null; screen?: MediaStreamTrack | null; live?: boolean}): Promise<void> {
    if (wanted.camera !== undefined) this.camera = wanted.camera;
    if (wanted.screen !== undefined) this.screen = wanted.screen;
    if (wanted.live !== undefined) this.live = wanted.live;
    if (!this.live) this.sent.close(); // at once: nobody shall be seen who has left the stage
    return this.step(() => this.apply());
  }

  /** The gateway asks for a connection in the place of the one there is. */
  connect(id: string, iceServers?: readonly RTCIceServer[]): Promise<void> {
    return this.step(() => this.open(id, iceServers));
  }

  ended(id: string): void {
    this.sent.ended(id);
  }

  connections(): Connection[] {
    return this.sent.all().map(each => each.connection);
  }

  close(): void {
    clearTimeout(this.retry);
    this.live = false;
    this.sent.close();
  }

  private step(work: () => Promise<void>): Promise<void> {
    const done = this.steps.then(work);
    this.steps = done.catch(() => undefined);
    return done;
  }

  private async apply(): Promise<void> {
    if (!this.live) return;
    const sent = this.sent.next ?? this.sent.current;
    if (!sent) {
      if (this.camera || this.screen) await this.open('');
      return;
    }
    await Promise.all([sent.camera?.replace(this.camera), sent.screen?.replace(this.screen)]);
    if (this.addLines(sent)) await sent.connection.open(() => this.sources(sent));
    else await this.tell(sent);
  }

  private async open(id: string, iceServers?: readonly RTCIceServer[]): Promise<void> {
    if (!this.live || !(this.camera || this.screen)) return;
    if (id && this.sent.next?.connection.id === id) return; // asked once more after a resume
    clearTimeout(this.retry);
    const connected = (): void => {
      if (sent === this.sent.next) this.sent.complete();
    };
    const failed = (): void => {
      const lost = sent === this.sent.current ? !this.sent.next : sent === this.sent.next;
      if (lost) this.again(0);
    };
    const connection = new Connection(this.wiring, 'send', id, {connected, failed}, iceServers);
    const sent: Sent = this.sent.begin({connection, camera: null, screen: null, told: ''});
    this.addLines(sent);
    try {
      await connection.open(() => this.sources(sent));
      if (!this.sent.current && this.sent.next === sent) this.sent.complete();
    } catch (error) {
      const wanted = this.sent.next === sent;
      this.sent.drop(sent);
      if (!wanted) return; // one has left the stage meanwhile
      if (passing(error)) this.again(GRACE_MS);
      throw error;
    }
  }

  /** Lines for what is sent first now; true when an offer must follow. */
  private addLines(sent: Sent): boolean {
    const {peer} = sent.connection;
    const codecs = [this.wiring.codec(), 'rtx'];
    const [camera, screen] = [!sent.camera && this.camera, !sent.screen && this.screen];
    if (camera) sent.camera = peer.send(camera, layersOf(camera), codecs);
    if (screen) sent.screen = peer.send(screen, [], codecs);
    return Boolean(camera || screen);
  }

  private sources(sent: Sent): Record<string, Source> {
    const sources: Record<string, Source> = {};
    if (sent.camera) sources[sent.camera.mid] = this.camera ? 'camera' : 'off';
    if (sent.screen) sources[sent.screen.mid] = this.screen ? 'screen' : 'off';
    sent.told = JSON.stringify(sources);
    return sources;
  }

  private async tell(sent: Sent): Promise<void> {
    const before = sent.told;
    const sources = this.sources(sent);
    if (sent.told === before) return;
    await this.wiring.request({type: 'sources', connection: sent.connection.id, sources}, 'newest');
  }

  private again(afterMs: number): void {
    clearTimeout(this.retry);
    const open = async (): Promise<void> => {
      const {current, next} = this.sent;
      if (!next && !current?.connection.connected) await this.open('');
    };
    this.retry = setTimeout(() => this.step(open).catch((error: unknown) => this.wiring.problem(error)), afterMs);
  }
}
