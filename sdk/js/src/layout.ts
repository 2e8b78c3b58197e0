// Which videos are shown and how large, by the elements that slots are attached to; and whom one wants to see.

import type {ElementSize, MediaPort} from './media';

const SETTLE_MS = 150; // a window that is being resized is told once

/** One video that is shown, in device pixels. */
export interface Wanted {
  slot: string;
  width: number;
  height: number;
}

export type Wish = {type: 'layout'; videos: Wanted[]} | {type: 'watch'; participants: string[]};

interface Place {
  slot: string;
  end: () => void;
  element: HTMLVideoElement;
  size: ElementSize;
}

/** Elements and the slots that they show. Until the first is attached nothing is told, and all videos are sent. */
export class Layout {
  private readonly places = new Set<Place>();
  private told = '';
  private watched: string[] = [];
  private over = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly media: MediaPort,
    private readonly track: (slot: string) => MediaStreamTrack | null,
    private readonly tell: (wish: Wish) => void,
  ) {}

  /** Whom one would like to see. */
  watch(participants: readonly string[]): void {
    this.watched = [...participants];
    this.tell({type: 'watch', participants: this.watched});
  }

  /** Show a slot in an element; the answer ends it. */
  attach(slot: string, element: HTMLVideoElement): () => void {
    const place: Place = {slot, element, size: {width: 0, height: 0, visible: false}, end: () => undefined};
    if (this.over) return place.end;
    this.places.add(place);
    this.media.show(element, this.track(slot));
    const unwatch = this.media.watch(element, size => {
      place.size = size;
      this.settle();
    });
    return (place.end = () => {
      if (!this.places.delete(place)) return;
      unwatch();
      if (![...this.places].some(each => each.element === element)) this.media.show(element, null);
      this.settle();
    });
  }

  /** A slot has another track. */
  changed(slot: string): void {
    for (const place of this.places) if (place.slot === slot) this.media.show(place.element, this.track(slot));
  }

  /** The gateway may know nothing of the layout any more: tell it again. */
  forget(): void {
    if (this.watched.length) this.watch(this.watched);
    if (!this.told) return;
    this.told = '';
    this.settle();
  }

  /** Let all elements go. */
  close(): void {
    this.over = true;
    for (const place of [...this.places]) place.end();
    clearTimeout(this.timer);
  }

  private settle(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const videos = this.videos();
      const words = JSON.stringify(videos);
      if (words === this.told) return;
      this.told = words;
      this.tell({type: 'layout', videos});
    }, SETTLE_MS);
  }

  /** By slot, the largest of the elements that show it. */
  private videos(): Wanted[] {
    const bySlot = new Map<string, Wanted>();
    for (const {slot, size} of this.places) {
      if (!size.visible) continue;
      const {width = 0, height = 0} = bySlot.get(slot) ?? {};
      bySlot.set(slot, {slot, width: Math.max(width, size.width), height: Math.max(height, size.height)});
    }
    return [...bySlot.values()].sort((one, other) => (one.slot < other.slot ? -1 : 1));
  }
}
