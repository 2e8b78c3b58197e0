// Pictures decoded per slot, and the longest time between two of the main video: for tests and for the statistics.

const LIVE_MS = 2500; // a slot without a new picture for so long has none
const LOOK_MS = 200;

interface Counted {
  video: HTMLVideoElement;
  base: number;
  seen: number;
  movedMs: number;
}

/** Counts pictures of the slots' elements over all the tracks that they show. */
export class Frames {
  private readonly slots = new Map<string, Counted>();
  private longestMs = 0;
  private before: {atMs: number; presented: number; video: HTMLVideoElement} | null = null;
  private readonly timer = setInterval(() => this.look(), LOOK_MS);

  /** Count what this element shows for a slot. */
  add(slot: string, video: HTMLVideoElement): void {
    this.slots.set(slot, {video, base: 0, seen: 0, movedMs: -Infinity});
    this.listen(slot, video);
  }

  /** The slot whose gaps are measured. */
  main = 'v1';

  /** Pictures decoded by slot, now. */
  get counts(): Record<string, number> {
    this.look();
    return Object.fromEntries([...this.slots].map(([slot, each]) => [slot, each.base + each.seen]));
  }

  /** Width and height of the pictures by slot. */
  get sizes(): Record<string, [number, number]> {
    return Object.fromEntries([...this.slots].map(([slot, {video}]) => [slot, [video.videoWidth, video.videoHeight]]));
  }

  /** Somebody else has the slot: it has no picture until the next one. */
  anew(slot: string): void {
    this.look();
    const each = this.slots.get(slot);
    if (each) each.movedMs = -Infinity;
  }

  /** Slots with a picture that moves. */
  get live(): string[] {
    this.look();
    return [...this.slots.keys()].filter(slot => this.moves(slot)).sort();
  }

  /** Has the slot had a new picture lately? */
  moves(slot: string): boolean {
    const each = this.slots.get(slot);
    return each !== undefined && performance.now() - each.movedMs < LIVE_MS;
  }

  /** Longest time in ms between two pictures of the main video since `resetGap`, the one that lasts included. */
  get longestGapMs(): number {
    const lasting = this.before ? performance.now() - this.before.atMs : 0;
    return Math.max(this.longestMs, lasting);
  }

  /** Begin to measure gaps anew. */
  resetGap(): void {
    this.longestMs = 0;
    this.before = null;
  }

  /** Stop counting. */
  stop(): void {
    clearInterval(this.timer);
    this.slots.clear();
  }

  private look(): void {
    for (const each of this.slots.values()) {
      const total = each.video.getVideoPlaybackQuality?.().totalVideoFrames ?? 0;
      if (total === each.seen) continue;
      if (total < each.seen) each.base += each.seen; // another track: the element counts anew
      else each.movedMs = performance.now();
      each.seen = total;
    }
  }

  private listen(slot: string, video: HTMLVideoElement): void {
    if (!('requestVideoFrameCallback' in video)) return;
    const next = (_now: number, frame: VideoFrameCallbackMetadata): void => {
      if (this.slots.get(slot)?.video !== video) return;
      if (slot === this.main) this.gap(video, frame.presentationTime, frame.presentedFrames);
      video.requestVideoFrameCallback(next);
    };
    video.requestVideoFrameCallback(next);
  }

  /** Pictures that came while the page was busy are counted by `presented`: they make no gap. */
  private gap(video: HTMLVideoElement, atMs: number, presented: number): void {
    const before = this.before;
    if (before && atMs > before.atMs) {
      const steps = before.video === video ? Math.max(1, presented - before.presented) : 1;
      this.longestMs = Math.max(this.longestMs, (atMs - before.atMs) / steps);
    }
    this.before = {atMs, presented, video};
  }
}
