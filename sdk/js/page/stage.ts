// The stage: a tile for everybody who is seen or heard, each in its place.

import type {Session} from '../src/index';
import {byId, h, memory, say, setText, show} from './dom';
import {colourOf, initials} from './format';
import type {Frames} from './frames';
import {setIcon} from './icons';
import {type Rect, gridRects, speakerRects} from './layout';
import {type Tile, stageNews, tilesOf} from './tiles';

/** How the stage is filled. */
export type View = 'grid' | 'speaker';

const COLOURS = 8;
const LOOK_MS = 300;

interface Box {
  root: HTMLElement;
  video: HTMLVideoElement | null;
  detach: (() => void) | null;
  participant: string;
}

/** Draws the stage of a session. Elements of slots stay when those who are shown in them change. */
export class StageView {
  view: View = memory.get('view') === 'grid' ? 'grid' : 'speaker';
  private readonly boxes = new Map<string, Box>();
  private readonly place = byId('tiles');
  private readonly observer = new ResizeObserver(() => this.arrange());
  private readonly timer = setInterval(() => this.showPictures(), LOOK_MS);
  private tiles: Tile[] = [];
  private onStage: Map<string, string> | null = null;

  constructor(private readonly session: Session, private readonly frames: Frames) {
    this.place.replaceChildren();
    this.observer.observe(this.place);
  }

  /** Grid or speaker; remembered. */
  switchView(): void {
    this.view = this.view === 'grid' ? 'speaker' : 'grid';
    memory.set('view', this.view);
    this.render();
    say(this.view === 'grid' ? 'Grid view' : 'Speaker view');
  }

  /** Draw what the session says now. */
  render(): void {
    const {session} = this;
    const {tiles, more} = tilesOf({
      seats: session.stage.seats,
      main: session.stage.main,
      speakers: session.roster.speakers,
      talking: session.talking,
      me: {
        participant: session.participant,
        name: session.name,
        live: session.live,
        muted: session.muted,
        camera: Boolean(session.localTracks.camera),
        hand: session.handUp,
      },
    });
    this.tiles = tiles;
    this.frames.main = session.stage.main;
    const keys = new Set(tiles.map(tile => tile.key));
    for (const slot of new Set([...session.slots, ...session.tracks.keys()])) keys.add(slot);
    for (const [key, box] of this.boxes) if (!keys.has(key)) this.drop(key, box);
    for (const key of keys) if (!this.boxes.has(key)) this.make(key);
    for (const tile of tiles) this.draw(tile);
    for (const [key, box] of this.boxes) this.wait(key, box, tiles.every(tile => tile.key !== key));
    this.arrange();
    this.showPictures();
    this.tell();
    show(byId('more-speakers'), more > 0);
    setText(byId('more-speakers'), `and ${more} more`);
  }

  /** End it. */
  stop(): void {
    this.observer.disconnect();
    clearInterval(this.timer);
    for (const [key, box] of [...this.boxes]) this.drop(key, box);
  }

  private make(key: string): void {
    const pictured = !key.startsWith('p:');
    const video = pictured ? h(
      'video', {id: key === 'me' ? 'own' : key, playsinline: true, autoplay: true, tabindex: '-1'},
    ) : null;
    if (video) video.muted = true;
    const root = h(
      'div',
      {class: 'tile', id: `tile-${key.replace(/[^\w-]/g, '_')}`, role: 'group', 'data-picture': 'false'},
      h('span', {class: 'avatar', 'aria-hidden': 'true'}),
      video,
      h('span', {class: 'name'}, h('i', {class: 'mic-sign', hidden: true}), h('span', {}, h('bdi'), h('span'))),
      h('span', {class: 'hand-sign', hidden: true}, h('i')),
    );
    this.place.append(root);
    const box: Box = {root, video, detach: null, participant: ''};
    this.boxes.set(key, box);
    if (video && key !== 'me') this.frames.add(key, video);
  }

  private drop(key: string, box: Box): void {
    box.detach?.();
    box.root.remove();
    this.boxes.delete(key);
  }

  /** A slot that nobody has is kept ready: the first picture of the next one is shown at once. */
  private wait(key: string, box: Box, waits: boolean): void {
    box.root.dataset['waiting'] = String(waits);
    box.root.inert = waits;
    if (waits) {
      if (box.participant) this.frames.anew(key);
      box.participant = '';
      this.connect(key, box, false);
    }
  }

  private draw(tile: Tile): void {
    const box = this.boxes.get(tile.key);
    if (!box) return;
    const {root} = box;
    Object.assign(
      root.dataset, {kind: tile.kind, talking: String(tile.talking), mine: String(tile.mine), main: String(tile.main)},
    );
    const avatar = root.querySelector('.avatar') as HTMLElement;
    setText(avatar, initials(tile.name));
    avatar.className = `avatar c${colourOf(tile.participant, COLOURS)}`;
    const [who, what] = captionOf(tile);
    const name = who + what;
    setText(root.querySelector('.name bdi') as HTMLElement, who);
    setText(root.querySelector('.name bdi + span') as HTMLElement, what);
    const sign = root.querySelector('.mic-sign') as HTMLElement;
    show(sign, tile.muted);
    setIcon(sign, 'mic', true);
    const hand = root.querySelector('.hand-sign') as HTMLElement;
    show(hand, tile.hand);
    setIcon(hand.firstElementChild as HTMLElement, 'hand');
    root.setAttribute(
      'aria-label',
      [name, tile.talking && 'speaking', tile.muted && 'muted', tile.hand && 'hand raised'].filter(Boolean).join(', '),
    );
    if (box.participant !== tile.participant) this.frames.anew(tile.key);
    box.participant = tile.participant;
    this.connect(tile.key, box, tile.mine, tile.kind);
  }

  /** One sees oneself from one's own camera, not by way of the stage. */
  private connect(key: string, box: Box, mine: boolean, kind = 'camera'): void {
    const {video} = box;
    if (!video) return;
    if (!mine) {
      if (!box.detach) {
        video.srcObject = null;
        box.detach = this.session.attach(key, video);
      }
      return;
    }
    box.detach?.();
    box.detach = null;
    const track = kind === 'screen' ? this.session.screen : this.session.localTracks.camera ?? null;
    const shown = video.srcObject instanceof MediaStream ? video.srcObject.getVideoTracks()[0] ?? null : null;
    if (shown === track) return;
    video.srcObject = track ? new MediaStream([track]) : null;
    if (track) video.play().catch(() => undefined);
  }

  private arrange(): void {
    const {clientWidth: width, clientHeight: height} = this.place;
    const space = {width, height, gap: width < 600 ? 6 : 10};
    const screen = this.tiles[0]?.kind === 'screen';
    const count = this.tiles.length;
    const large = screen || this.view === 'speaker' || count === 1;
    this.place.dataset['large'] = String(large);
    const rects = large ? speakerRects(count, space, screen) : gridRects(count, space);
    this.tiles.forEach((tile, index) => putAt(this.boxes.get(tile.key)?.root, rects[index]));
    const next = rects[count - 1] ?? gridRects(1, space)[0];
    for (const box of this.boxes.values()) if (box.root.dataset['waiting'] === 'true') putAt(box.root, next);
  }

  /** A tile shows its avatar until there is a picture that moves. */
  private showPictures(): void {
    for (const tile of this.tiles) {
      const box = this.boxes.get(tile.key);
      if (!box?.video) continue;
      const own = tile.mine && box.video.srcObject !== null;
      box.root.dataset['picture'] = String(tile.kind !== 'avatar' && (own || this.frames.moves(tile.key)));
    }
    show(byId('empty'), this.tiles.length === 0);
  }

  /** Say who came and went. */
  private tell(): void {
    const now = new Map(
      this.tiles.filter(tile => !tile.mine && tile.kind !== 'screen').map(tile => [tile.participant, tile.name]),
    );
    const news = this.onStage ? stageNews(this.onStage, now) : '';
    this.onStage = now;
    if (news) say(news);
  }
}

/** Whose tile it is, and what is said beside: a name of another script keeps to itself. */
function captionOf({kind, mine, name}: Tile): [string, string] {
  if (kind === 'screen') return mine ? ['', 'Your screen'] : [name, '’s screen'];
  return [name, mine ? ' (you)' : ''];
}

function putAt(element: HTMLElement | undefined, rect: Rect | undefined): void {
  if (!element || !rect) return;
  const {style} = element;
  style.left = `${rect.left.toFixed(1)}px`;
  style.top = `${rect.top.toFixed(1)}px`;
  style.width = `${rect.width.toFixed(1)}px`;
  style.height = `${rect.height.toFixed(1)}px`;
}
