// What is heard: the mix of the audience, or while one is live what all others say; one's own voice never.

import type {MediaPort, Player} from './media';

/** One player for whichever sound is to be heard, and whether the browser lets it. */
export class Sound {
  blocked = false;
  private player: Player;
  private mix: MediaStreamTrack | null = null;
  private voice: MediaStreamTrack | null = null;
  private playing: MediaStreamTrack | null = null;
  private volume = 1;
  private output = '';

  constructor(
    private readonly media: MediaPort,
    private readonly told: (blocked: boolean) => void,
  ) {
    this.player = media.player();
  }

  setMix(track: MediaStreamTrack | null): void {
    this.mix = track;
    void this.play();
  }

  /** Null: the mix is to be heard. */
  setVoice(track: MediaStreamTrack | null): void {
    this.voice = track;
    void this.play();
  }

  setVolume(volume: number): void {
    this.volume = volume;
    this.player.setVolume(volume);
  }

  async setOutput(deviceId: string): Promise<void> {
    await this.player.setOutput(deviceId);
    this.output = deviceId;
  }

  /** Play in this element from now on, or again in one of our own. */
  attach(element?: HTMLAudioElement): void {
    this.player.close();
    this.player = this.media.player(element);
    this.player.setVolume(this.volume);
    if (this.output) this.player.setOutput(this.output).catch(() => undefined); // the device is gone: the default one
    this.playing = null;
    void this.play();
  }

  /** Try again, in a click. */
  async start(): Promise<void> {
    this.playing = null;
    await this.play();
  }

  close(): void {
    this.player.close();
  }

  private async play(): Promise<void> {
    const track = this.voice ?? this.mix;
    if (track === this.playing) return;
    this.playing = track;
    const plays = await this.player.play(track);
    if (track !== this.playing || this.blocked === !plays) return;
    this.blocked = !plays;
    this.told(this.blocked);
  }
}
