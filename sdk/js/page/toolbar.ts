// The controls below the stage: what they look like, and what they call.

import type {Limit, Session} from '../src/index';
import type {Actions} from './actions';
import {showHelp} from './dialogs';
import {byId, setText, show} from './dom';
import {setIcon} from './icons';
import {type Item, openMenu} from './menu';
import type {Panel} from './panel';
import type {Heard} from './sound';
import type {StageView} from './stage';

const LIMITS: readonly [Limit, string][] = [
  ['auto', 'Automatic'],
  ['high', 'High'],
  ['medium', 'Medium'],
  ['low', 'Low, saves data'],
  ['audio', 'Sound only'],
];

/** Wires the buttons of a session and keeps them true. */
export class Toolbar {
  constructor(
    private readonly session: Session,
    private readonly actions: Actions,
    private readonly stage: StageView,
    private readonly panel: Panel,
    private readonly heard: Heard,
  ) {
    const wire = (id: string, act: () => unknown): void => {
      byId(id).onclick = () => void act();
    };
    wire('mute', () => actions.sound());
    wire('camera-toggle', () => actions.camera());
    wire('share', () => actions.share());
    wire('hand', () => actions.hand());
    wire('live', () => actions.stage());
    wire('leave', () => actions.leave());
    wire('people-button', () => panel.toggle('people'));
    wire('count', () => panel.toggle('people'));
    wire('messages-button', () => panel.toggle('messages'));
    wire('quality', () => panel.toggle('stats'));
    wire('view-switch', () => this.switchView());
    wire('full', () => this.fullScreen());
    wire('more', () => openMenu(byId('more'), this.items()));
    wire('hint-button', () => actions.ready());
    byId('volume').oninput = event => session.setVolume(Number((event.target as HTMLInputElement).value) / 100);
    document.addEventListener('fullscreenchange', () => this.render());
    show(byId('full'), document.fullscreenEnabled);
  }

  /** Full screen, or back. */
  fullScreen(): void {
    if (document.fullscreenElement) void document.exitFullscreen();
    else void byId('room').requestFullscreen?.().catch(() => undefined);
  }

  /** Draw all of them as things are now. */
  render(): void {
    const {session} = this;
    const {live} = session;
    const off = live ? session.muted || !session.localTracks.microphone : this.heard.off;
    const thing = live ? 'microphone' : 'sound';
    tool(
      'mute',
      live ? 'mic' : 'sound',
      off,
      live ? (off ? 'Unmute' : 'Mute') : 'Sound',
      `Turn ${thing} ${off ? 'on' : 'off'}`,
      'm',
    );
    show(byId('volume'), !live);
    const camera = Boolean(session.localTracks.camera);
    show(byId('camera-toggle'), live);
    tool('camera-toggle', 'camera', !camera, 'Camera', `Turn camera ${camera ? 'off' : 'on'}`, 'v');
    const sharing = session.screen !== null;
    show(byId('share'), live && 'getDisplayMedia' in (navigator.mediaDevices ?? {}));
    tool(
      'share',
      'screen',
      false,
      sharing ? 'Stop sharing' : 'Share',
      sharing ? 'Stop sharing your screen' : 'Share your screen',
    );
    byId('share').dataset['on'] = String(sharing);
    this.renderHand(live);
    const may = live || (session.can('publish') && !this.actions.demoted);
    show(byId('live'), may);
    byId('live').className = live ? 'tool' : 'tool primary';
    tool('live', 'stage', live, live ? 'Leave stage' : 'Go on stage', live ? 'Leave the stage' : 'Go on stage');
    byId('room').dataset['live'] = String(live);
    this.renderView();
  }

  private renderHand(live: boolean): void {
    const {session} = this;
    const up = session.handUp;
    const byHand = this.actions.demoted || !session.can('publish');
    show(byId('hand'), session.can('raise-hand') && byHand);
    tool('hand', 'hand', false, up ? 'Lower hand' : 'Raise hand', up ? 'Lower your hand' : 'Raise your hand', 'h');
    byId('hand').dataset['on'] = String(up);
    const {place} = session.hands;
    const ready = Boolean(session.localTracks.microphone);
    show(byId('hint'), up && !live);
    const where = place === 1 ? 'You are next.' : place > 1 ? `You are number ${place}.` : '';
    setText(byId('hint-text'), `Your hand is up. ${where}${ready ? ' Camera and microphone are ready.' : ''}`);
    show(byId('hint-button'), !ready);
  }

  private renderView(): void {
    const grid = this.stage.view === 'grid';
    const words = grid ? 'Speaker view' : 'Grid view';
    const button = byId('view-switch');
    button.setAttribute('aria-label', words);
    button.title = words;
    setText(button.querySelector('span') as HTMLElement, grid ? 'Speaker' : 'Grid');
    setIcon(button.querySelector('i') as HTMLElement, grid ? 'speaker' : 'grid');
  }

  private switchView(): void {
    this.stage.switchView();
    this.renderView();
  }

  private items(): Item[] {
    const {actions, session} = this;
    const grid = this.stage.view === 'grid';
    const items: Item[] = [
      {label: grid ? 'Speaker view' : 'Grid view', icon: grid ? 'speaker' : 'grid', act: () => this.switchView()},
      {label: 'Full screen', icon: 'full', key: 'f', act: () => this.fullScreen()},
      {label: 'Devices and sound', icon: 'settings', act: () => void actions.settings()},
      {label: 'Connection', icon: 'bars', key: 's', act: () => this.panel.toggle('stats')},
      {label: 'Keyboard shortcuts', icon: 'keyboard', key: '?', act: showHelp},
    ];
    if (session.live) items.push({
      label: this.heard.off ? 'Hear the others' : 'Do not hear the others',
      icon: 'sound',
      act: () => actions.hear(this.heard.off),
    });
    items.push({label: 'Video quality'});
    for (const [limit, label] of LIMITS) items.push(
      {label, checked: actions.limit === limit, act: () => void actions.quality(limit)},
    );
    return items;
  }
}

function tool(id: string, drawing: string, off: boolean, text: string, label: string, key = ''): void {
  const button = byId(id);
  setIcon(button.querySelector('i') as HTMLElement, drawing, off);
  setText(button.querySelector('span') as HTMLElement, text);
  button.setAttribute('aria-label', label);
  button.title = key ? `${label} (${key})` : label;
  button.dataset['off'] = String(off);
}
