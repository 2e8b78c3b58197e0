// The quality badge, and the figures behind it.

import type {Quality, Session, SessionStatistics, StreamStatistics} from '../src/index';
import {byId, h, setText, show} from './dom';
import {bitrate, count, loss, milliseconds, shownName} from './format';

const BADGES: Record<Quality['network'], [string, string]> = {
  good: ['Good', 'Your connection is good.'],
  fair: ['Fair', 'Your connection is fair: the picture may be less sharp.'],
  poor: [
    'Poor',
    'Your connection is poor: picture and sound may stop at times. Come nearer to your router, or choose a lower ' +
      'video quality.',
  ],
};
const LAYERS = ['Low', 'Medium', 'High'];
const REASONS: Record<string, string> = {
  window: 'as large as it is shown',
  network: 'as your network allows',
  load: 'the service is busy',
  limit: 'your choice',
  hidden: 'not shown',
};

/** What is shown as numbers. */
export interface Figures {
  rttMs: number | null;
  bitsPerSecond: number;
  lost: number;
  packets: number;
  jitterMs: number;
  freezes: number;
  freezeS: number;
  frames: number;
}

/** Sum up the connections; the bit rate follows from the bytes since `before`. */
export function figuresOf(
  statistics: SessionStatistics, before: {bytes: number; atMs: number} | null, atMs: number,
): Figures & {bytes: number} {
  const streams = statistics.connections.flatMap(each => each.streams);
  const incoming = streams.filter(each => each.direction === 'in');
  const sum = (
    of: (stream: StreamStatistics) => number,
  ): number => incoming.reduce((total, each) => total + of(each), 0);
  const bytes = sum(each => each.bytes);
  const seconds = before ? (atMs - before.atMs) / 1000 : 0;
  const trips = statistics.connections.map(each => each.rttMs).filter(ms => ms > 0);
  return {
    rttMs: trips.length ? Math.max(...trips) : null,
    bitsPerSecond: before && seconds > 0 ? Math.max(0, ((bytes - before.bytes) * 8) / seconds) : -1,
    lost: sum(each => Math.max(0, each.lost)),
    packets: sum(each => each.packets),
    jitterMs: Math.max(0, ...incoming.map(each => each.jitterMs)),
    freezes: sum(each => each.freezes),
    freezeS: sum(each => each.freezeS),
    frames: Object.values(statistics.frames).reduce((total, each) => total + each, 0),
    bytes,
  };
}

/** Shows both. `figures` are the newest, for tests. */
export class QualityView {
  figures: (Figures & {bytes: number}) | null = null;
  /** The connections on which one receives. */
  receiving: readonly string[] = [];
  private latest: SessionStatistics | null = null;
  private before: {bytes: number; atMs: number} | null = null;
  private quality: Quality = {network: 'good', videos: []};
  private shown = false;

  constructor(private readonly session: Session) {
    show(byId('quality'), true);
    this.badge();
  }

  /** The panel was opened or closed. */
  open(on: boolean): void {
    this.shown = on;
    if (!on) return;
    this.look();
    this.render();
  }

  /** Ask for figures now. */
  look(): void {
    this.session.statistics().then(latest => this.take(latest), () => undefined);
  }

  /** The gateway says how good it is. */
  judged(quality: Quality): void {
    this.quality = quality;
    this.badge();
    if (this.shown) this.render();
  }

  /** New figures. */
  take(statistics: SessionStatistics, nowMs = performance.now()): void {
    this.figures = figuresOf(statistics, this.before, nowMs);
    if (!this.before || nowMs - this.before.atMs > 900) this.before = {bytes: this.figures.bytes, atMs: nowMs};
    this.latest = statistics;
    this.receiving = statistics.connections.filter(each => each.purpose === 'receive').map(each => each.connection);
    if (this.shown) this.render();
  }

  private badge(): void {
    byId('quality').dataset['network'] = this.quality.network;
    setText(byId('quality-text'), BADGES[this.quality.network][0]);
  }

  private render(): void {
    setText(byId('stats-summary'), BADGES[this.quality.network][1]);
    byId('stats-summary').dataset['network'] = this.quality.network;
    const now = this.figures;
    const pairs: [string, string][] = [
      ['Receiving', now ? bitrate(now.bitsPerSecond) : '–'],
      ['Round trip', milliseconds(now?.rttMs)],
      ['Packets lost', now ? loss(now.lost, now.packets) : '–'],
      ['Jitter', milliseconds(now?.jitterMs)],
      ['Freezes', now ? `${now.freezes}${now.freezes ? ` (${now.freezeS.toFixed(1)} s)` : ''}` : '–'],
      ['Frames', now ? count(now.frames) : '–'],
      ['Region', this.session.region || '–'],
    ];
    byId('figures').replaceChildren(
      ...pairs.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))),
    );
    this.rows();
  }

  private rows(): void {
    const seated = new Set(this.session.stage.seats.map(seat => seat.slot));
    const streams = (this.latest?.connections ?? []).flatMap(each => each.streams).filter(
      each => each.kind === 'video' && each.frames > 0 && (each.direction === 'out' || seated.has(each.slot)),
    );
    byId('stats-rows').replaceChildren(...streams.map(each => this.rowOf(each)));
    show(byId('stats-none'), streams.length === 0);
    show(document.querySelector('#stats .scroll') as HTMLElement, streams.length > 0);
  }

  private rowOf(stream: StreamStatistics): HTMLElement {
    const seat = this.session.stage.seats.find(each => each.slot === stream.slot);
    const who = seat ? h('bdi', {}, shownName(seat.name, seat.participant)) : `Place ${stream.slot}`;
    const whose = stream.direction === 'out' ? ['You, sent'] : [who, seat?.source === 'screen' ? ', screen' : ''];
    const video = this.quality.videos.find(each => each.slot === stream.slot);
    const layer = stream.direction === 'out' ? '–' : video ? LAYERS[video.layer] ?? 'Off' : '–';
    const picture = stream.width ? `${stream.width}×${stream.height}, ${Math.round(stream.fps)} fps` : '–';
    const cells = [layer, count(stream.frames), stream.direction === 'out' ? '–' : String(stream.freezes)];
    const why = REASONS[video?.reason ?? ''] ?? '';
    return h(
      'tr',
      {},
      h('th', {scope: 'row'}, ...whose, h('small', {}, picture)),
      ...cells.map((text, index) => h('td', index === 0 && why ? {title: why} : {}, text)),
    );
  }
}
