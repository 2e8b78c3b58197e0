// One's own devices: those that the application opened, and those that we did and therefore stop.

import type {LocalTracks} from './api';
import type {MediaPort} from './media';

/** Camera, microphone and screen. */
export class Local {
  readonly tracks: LocalTracks;
  screen: MediaStreamTrack | null = null;
  private readonly opened = new Set<MediaStreamTrack>();
  private readonly watched = new WeakSet<MediaStreamTrack>();

  /** `gone` is told of a device that went away by itself. */
  constructor(
    private readonly media: MediaPort,
    tracks: LocalTracks = {},
    private readonly gone: (kind: keyof LocalTracks) => void,
  ) {
    this.tracks = {};
    this.take(tracks);
  }

  /** Devices are open: once promoted one is live without being asked. */
  get ready(): boolean {
    return Boolean(this.tracks.camera || this.tracks.microphone);
  }

  take(tracks: LocalTracks): void {
    for (const kind of ['camera', 'microphone'] as const) {
      const track = tracks[kind];
      if (track) this.set(kind, track);
    }
  }

  /** Open camera and microphone. */
  async open(): Promise<void> {
    const found = await this.media.capture({camera: true, microphone: true});
    for (const each of Object.values(found)) this.opened.add(each);
    this.take(found);
  }

  set(kind: keyof LocalTracks, track: MediaStreamTrack | null): void {
    if (!track) {
      delete this.tracks[kind];
      return;
    }
    this.tracks[kind] = track;
    if (this.watched.has(track)) return;
    this.watched.add(track);
    this.media.ended(track, () => {
      if (this.tracks[kind] !== track) return;
      delete this.tracks[kind];
      this.gone(kind);
    });
  }

  /** Show this screen, or one that the person chooses; `ended` is called when it ends by itself. */
  async showScreen(track: MediaStreamTrack | undefined, ended: () => void): Promise<void> {
    const screen = track ?? (await this.media.captureScreen());
    this.dropScreen();
    if (!track) this.opened.add(screen);
    screen.contentHint = 'detail';
    this.screen = screen;
    this.media.ended(screen, () => {
      if (this.screen === screen) ended();
    });
  }

  dropScreen(): void {
    const {screen} = this;
    this.screen = null;
    if (screen && this.opened.delete(screen)) screen.stop();
  }

  close(): void {
    this.screen = null;
    for (const each of this.opened) each.stop();
    this.opened.clear();
  }
}
