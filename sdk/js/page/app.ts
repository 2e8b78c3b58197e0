// The way through the page: link, device check, session, end.

import {type EventDetail, type Event, type Session} from '../src/index';
import {DeviceView} from './device-view';
import {Devices} from './devices';
import {byId, memory, setText} from './dom';
import {drawIcons} from './icons';
import {type Link, claimsOf, expired, readLink} from './link';
import {wireMenu} from './menu';
import {showProblem, showScreen, showState} from './notices';
import {askBeforeJoin} from './prejoin';
import type {Decision} from './prejoin';
import {Room} from './room';
import type {Sdk} from './sdk';
import {Heard} from './sound';
import {showStart} from './start';
import {type Words, wordsOf, wordsOfError} from './words';

const SLOW_MS = 5000;

/** The whole page. */
export class App {
  readonly heard = new Heard();
  room: Room | null = null;
  /** Where it is while there is no session: starting, start, prejoin, connecting, stopped. */
  state = 'starting';
  private readonly devices: Devices;
  private readonly deviceView: DeviceView;

  constructor(private readonly sdk: Sdk) {
    drawIcons(document);
    wireMenu();
    this.devices = new Devices(sdk);
    this.deviceView = new DeviceView(this.devices, id => void this.room?.actions.output(id));
    addEventListener('hashchange', () => location.reload());
    (document.querySelector('.skip') as HTMLElement).addEventListener('click', event => {
      event.preventDefault(); // the fragment is the link
      byId('main').focus();
    });
  }

  /** Begin with what the address says. */
  async begin(): Promise<void> {
    const link = readLink(location.hash);
    if (!link) return this.withoutLink();
    setText(byId('title'), link.session);
    document.title = `${link.session} · rtcdn`;
    if (typeof RTCPeerConnection === 'undefined') return this.stopped(wordsOf('unsupported'));
    if (expired(claimsOf(link.token), Date.now() / 1000)) return this.stopped(wordsOf('expired'));
    const name = link.name || memory.get('name') || claimsOf(link.token)?.name || '';
    if (link.now) await this.joinNow(link, name);
    else if (link.view === 'watch') await this.join(link, name);
    else await this.joinAsked(link, name);
  }

  private withoutLink(): void {
    if (location.hash.length > 1 && !location.hash.startsWith('#main')) return this.stopped(wordsOf('no-link'));
    this.state = 'start';
    showStart();
  }

  private async joinAsked(link: Link, name: string): Promise<void> {
    this.state = 'prejoin';
    const decision = await askBeforeJoin(this.sdk, link, this.devices, this.deviceView, name);
    await this.join(link, decision.name, decision);
  }

  /** With the devices that there are, and on stage if one may. */
  private async joinNow(link: Link, name: string): Promise<void> {
    if (link.view === 'speak') await this.devices.start();
    await this.join(link, name);
    if (this.room?.session.can('publish') && this.devices.open) await this.room.actions.stage();
  }

  private async join(link: Link, name: string, network: Partial<Decision> = {}): Promise<void> {
    const {measuredRtt = {}, entries = []} = network;
    const [nearest = location.origin, ...others] = entries;
    this.state = 'connecting';
    showState('connecting');
    showScreen('room');
    const slow = setTimeout(
      () => setText(byId('empty-text'), 'This takes longer than usual. We keep trying.'), SLOW_MS,
    );
    let session: Session;
    try {
      session = await this.sdk.connect(nearest, link.token, {
        session: link.session,
        videos: link.slots,
        measuredRtt,
        entries: [...others, location.origin],
        ...(name ? {name} : {}),
        ...(this.devices.open ? {tracks: this.devices.tracks} : {}),
      });
    } catch (error) {
      return this.stopped(wordsOfError(error, navigator.onLine));
    } finally {
      clearTimeout(slow);
    }
    this.deviceView.moveTo(byId('devices-place'));
    this.room = new Room(session, this.sdk, this.devices, this.heard, closed => this.closed(closed));
  }

  private closed({reason, detail}: EventDetail[Event.Closed]): void {
    const words = wordsOf(reason);
    this.stopped(
      detail && reason === 'removed' ? {...words, text: `A moderator has taken you out: “${detail}”.`} : words,
    );
  }

  private stopped(words: Words): void {
    this.devices.stop();
    this.state = 'stopped';
    showProblem(words, () => location.reload());
  }
}
