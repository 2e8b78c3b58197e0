// A session that one is in: listens to it and keeps every part of the page true.

import {type EventDetail, type Session, Event, State} from '../src/index';
import {Actions} from './actions';
import type {Devices} from './devices';
import {closeDialogs, dialogOpen, showHelp} from './dialogs';
import {byId, memory, say, setText, show, typing} from './dom';
import {shownName} from './format';
import {Frames} from './frames';
import {type KeyAct, actOf} from './keys';
import {closeMenu} from './menu';
import {Messages} from './messages';
import {complain, showBanner, showState, toast} from './notices';
import {Panel} from './panel';
import {People} from './people';
import {QualityView} from './quality';
import type {Sdk} from './sdk';
import type {Heard} from './sound';
import {StageView} from './stage';
import {Toolbar} from './toolbar';
import {wordsOfError} from './words';

const RECONNECTING = {title: 'Connection lost.', text: 'Reconnecting… Picture and sound go on where they can.'};
const OFFLINE = {title: 'You are offline.', text: 'We go on as soon as your network is back.'};

/** One room at a time; `over` is called once, with the reason. */
export class Room {
  readonly frames = new Frames();
  readonly quality: QualityView;
  readonly actions: Actions;
  reconnects = 0;
  private readonly stage: StageView;
  private readonly people: People;
  private readonly messages: Messages;
  private readonly panel: Panel;
  private readonly toolbar: Toolbar;
  private readonly offs: (() => void)[] = [];
  private queued = false;
  private was: {role: string; live: boolean};

  constructor(
    readonly session: Session,
    sdk: Sdk,
    private readonly devices: Devices,
    private readonly heard: Heard,
    private readonly over: (closed: EventDetail[Event.Closed]) => void,
  ) {
    this.was = {role: session.role, live: session.live};
    this.actions = new Actions(session, sdk, devices, heard, () => this.draw());
    this.stage = new StageView(session, this.frames);
    this.people = new People(session, this.actions);
    this.messages = new Messages(session, this.actions);
    this.quality = new QualityView(session);
    this.panel = new Panel(tab => {
      this.people.open(tab === 'people');
      this.messages.open(tab === 'messages');
      this.quality.open(tab === 'stats');
    });
    this.toolbar = new Toolbar(session, this.actions, this.stage, this.panel, heard);
    this.listen();
    this.start();
  }

  private start(): void {
    const {session} = this;
    byId('controls').inert = false;
    session.attachAudio(this.heard.element);
    if (memory.get('output')) session.setAudioOutput(memory.get('output')).catch(() => memory.set('output', ''));
    show(byId('sound-start'), session.audioBlocked);
    byId('sound-start').onclick = () => {
      this.heard.wake();
      void session.startAudio().then(() => show(byId('sound-start'), session.audioBlocked), () => undefined);
    };
    this.quality.look();
    this.people.changed();
    this.draw();
  }

  private listen(): void {
    const {session} = this;
    const on = <E extends Event>(event: E, listener: (detail: EventDetail[E]) => void): void => {
      this.offs.push(session.on(event, listener));
    };
    for (const event of [
      Event.Stage,
      Event.Talking,
      Event.Track,
      Event.Muted,
      Event.Role,
    ] as const) on(event, () => this.draw());
    for (const event of [Event.Roster, Event.Presence, Event.Hands, Event.Role] as const) on(event, () => this.crowd());
    on(Event.Track, () => this.quality.look());
    on(Event.State, detail => this.connection(detail));
    on(Event.Role, detail => this.role(detail));
    on(Event.Muted, detail => this.muted(detail));
    on(Event.Quality, detail => this.quality.judged(detail));
    on(Event.Statistics, detail => this.quality.take(detail));
    on(Event.Data, detail => this.messages.take(detail));
    on(Event.AudioBlocked, ({blocked}) => show(byId('sound-start'), blocked));
    on(Event.Problem, error => {
      if (error.reason !== 'reconnecting') complain(wordsOfError(error, navigator.onLine)); // else the banner says it
    });
    on(Event.Closed, detail => this.end(detail));
    this.offs.push(this.devices.watch(() => this.actions.sync()));
    this.devices.gone = () => this.devices.problem && complain(this.devices.problem);
    this.offs.push(() => (this.devices.gone = null));
    const key = (event: KeyboardEvent): void => this.key(event);
    const network = (): void => this.banner();
    addEventListener('keydown', key);
    addEventListener('offline', network);
    addEventListener('online', network);
    this.offs.push(() => {
      removeEventListener('keydown', key);
      removeEventListener('offline', network);
      removeEventListener('online', network);
    });
  }

  /** Draw once for all that came in the same moment. */
  private draw(): void {
    if (this.queued) return;
    this.queued = true;
    queueMicrotask(() => {
      this.queued = false;
      if (this.offs.length === 0) return;
      this.stage.render();
      this.toolbar.render();
      this.state();
    });
  }

  private crowd(): void {
    this.people.changed();
    this.draw();
  }

  private state(): void {
    const {session} = this;
    const busy = session.stage.seats.length > 0 || session.roster.speakers.some(each => each.live);
    const named: Record<string, string> = {
      [State.Connecting]: 'connecting',
      [State.Reconnecting]: 'reconnecting',
      [State.Live]: session.live ? 'on-stage' : busy ? 'live' : 'connected',
    };
    showState(named[session.state] ?? 'stopped');
    setText(
      byId('empty-title'), session.state === State.Connecting ? 'Connecting to the stage' : 'Nobody is on stage yet',
    );
    setText(
      byId('empty-text'),
      session.state === State.Connecting ? 'This takes a moment.' : 'You see and hear them as soon as they are.',
    );
  }

  private connection({state, before}: EventDetail[Event.State]): void {
    if (state === State.Reconnecting && before !== state) this.reconnects++;
    if (state === State.Live && before === State.Reconnecting) toast('Connected again.');
    this.banner();
    this.draw();
  }

  private banner(): void {
    const broken = this.session.state === State.Reconnecting;
    showBanner(broken ? (navigator.onLine ? RECONNECTING : OFFLINE) : null);
  }

  /** Tell what one's new role means; who is called without devices is asked. */
  private role({role, live, by}: EventDetail[Event.Role]): void {
    const {was, session} = this;
    this.was = {role, live};
    const other = by !== '' && by !== session.participant;
    this.actions.demoted = role === 'viewer' && (this.actions.demoted || (other && was.role !== 'viewer'));
    if (live && !was.live) {
      this.actions.mutedIs(session.muted);
      toast('You are on stage.', 'Everybody sees and hears you.');
    } else if (!live && was.live) {
      if (other) {
        this.devices.stop();
        toast('You are in the audience now.', `${this.nameOf(by)} has moved you off the stage.`);
      } else toast('You have left the stage.');
    } else if (role === 'moderator' && was.role !== 'moderator') toast('You are a moderator now.');
    if (role === 'speaker' && was.role === 'viewer' && !live && !this.actions.going && !hasTracks(session)) {
      void this.actions.invited(by ? this.nameOf(by) : 'The organiser');
    }
  }

  private muted({on, by}: EventDetail[Event.Muted]): void {
    this.actions.mutedIs(on);
    if (on && by && by !== this.session.participant) {
      toast('You were muted by a moderator.', 'Unmute yourself when you want to speak.');
      say('You were muted by a moderator.', true);
    }
  }

  private nameOf(participant: string): string {
    const {roster} = this.session;
    const found = roster.speakers.find(each => each.participant === participant);
    return found ? shownName(found.name, participant) : 'A moderator';
  }

  private key(event: KeyboardEvent): void {
    if (dialogOpen()) return;
    const act = actOf(event, typing(event.target));
    if (!act) return;
    event.preventDefault();
    closeMenu();
    const acts: Record<KeyAct, () => unknown> = {
      sound: () => this.actions.sound(),
      camera: () => this.actions.camera(),
      hand: () => this.actions.hand(),
      messages: () => this.panel.toggle('messages'),
      people: () => this.panel.toggle('people'),
      'full-screen': () => this.toolbar.fullScreen(),
      statistics: () => this.panel.toggle('stats'),
      help: showHelp,
    };
    void acts[act]();
  }

  private end(closed: EventDetail[Event.Closed]): void {
    for (const off of this.offs.splice(0)) off();
    this.stage.stop();
    this.frames.stop();
    this.devices.stop();
    closeDialogs();
    closeMenu();
    showBanner(null);
    for (const id of ['quality', 'count', 'sound-start', 'panel']) show(byId(id), false);
    if (document.fullscreenElement) void document.exitFullscreen().catch(() => undefined);
    this.over(closed);
  }
}

function hasTracks(session: Session): boolean {
  return Boolean(session.localTracks.camera ?? session.localTracks.microphone);
}
