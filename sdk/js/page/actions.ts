// Everything that a button or a key does in a session; what is refused is said.

import {type Limit, type Session, State} from '../src/index';
import type {Devices} from './devices';
import {askDevices, confirm} from './dialogs';
import {memory, say} from './dom';
import {complain, toast} from './notices';
import type {Sdk} from './sdk';
import type {Heard} from './sound';
import {wordsOfError} from './words';

/** Acts of the person at this page. `changed` is called when something is to be drawn anew. */
export class Actions {
  limit: Limit = 'auto';
  /** The person goes on stage by himself now: no invitation then. */
  going = false;
  /** A moderator took him off the stage: back on it he comes by raising his hand. */
  demoted = false;
  private syncing: Promise<void> = Promise.resolve();
  /** What the session was given of the devices; what is changed there by others stays. */
  private readonly given: {camera: MediaStreamTrack | null; microphone: MediaStreamTrack | null; muted: boolean};

  constructor(
    private readonly session: Session,
    private readonly sdk: Sdk,
    private readonly devices: Devices,
    private readonly heard: Heard,
    private readonly changed: () => void,
  ) {
    this.given = {camera: devices.camera, microphone: devices.microphone, muted: devices.muted};
  }

  /** On stage the microphone; otherwise the sound. */
  async sound(): Promise<void> {
    if (!this.session.live) return this.hear(this.heard.off);
    const silent = !this.session.localTracks.microphone;
    if (silent && !(await this.devices.start(['microphone']))) return this.deviceTrouble();
    const on = !silent && !this.session.muted; // who opens his microphone wants to be heard
    if (!(await this.attempt(this.session.mute(on)))) return;
    this.mutedIs(on);
    say(on ? 'Microphone muted' : 'Microphone on');
  }

  /** One is muted, or not any more, by whomever. */
  mutedIs(on: boolean): void {
    this.devices.muted = on;
    this.given.muted = on;
  }

  /** Sound on or off for oneself. */
  hear(on: boolean): void {
    this.heard.off = !on;
    say(on ? 'Sound on' : 'Sound off');
    this.changed();
  }

  /** Camera on or off. */
  async camera(): Promise<void> {
    if (!this.session.live) return;
    if (this.session.localTracks.camera) {
      this.devices.stop(['camera']);
      if (this.session.localTracks.camera) await this.attempt(this.session.setCamera(null));
      say('Camera off');
    } else if (await this.devices.start(['camera'])) say('Camera on');
    else this.deviceTrouble();
    this.changed();
  }

  /** Show one's screen, or stop. */
  async share(): Promise<void> {
    if (!this.session.live) return;
    if (this.session.screen) await this.attempt(this.session.stopScreen());
    else {
      try {
        const track = await this.sdk.captureScreen();
        track.addEventListener('ended', () => void this.session.stopScreen().then(this.changed, () => undefined));
        if (!(await this.attempt(this.session.shareScreen(track)))) track.stop();
      } catch (error) {
        const denied = ['NotAllowedError', 'media-denied'].includes(nameOf(error));
        if (!denied) complain(wordsOfError(error)); // who closes the browser's question wants no lecture
      }
    }
    this.changed();
  }

  /** Raise or lower one's hand. */
  async hand(): Promise<void> {
    if (!this.session.can('raise-hand') || this.session.live) return;
    const up = !this.session.handUp;
    if (await this.attempt(this.session.raiseHand(up))) say(up ? 'Your hand is up' : 'Your hand is down');
  }

  /** Open devices for the moment in which one is called on stage. */
  async ready(): Promise<void> {
    void this.devices.start();
    const ok = await askDevices({
      title: 'Get ready',
      text: 'Once you are called on stage you are seen and heard at once. Until then nobody sees or hears you.',
      ok: 'I am ready',
      cancel: 'Not now',
    });
    if (!ok) this.devices.stop();
  }

  /** Go on stage, or leave it. */
  async stage(): Promise<void> {
    if (this.session.live) return this.leaveStage();
    if (!this.devices.open) {
      void this.devices.start();
      const ok = await askDevices({
        title: 'Go on stage',
        text: 'Check how you look and sound. Nobody sees or hears you yet.',
        ok: 'Go on stage',
        cancel: 'Not now',
      });
      if (!ok) return this.devices.stop();
    }
    await this.enter();
  }

  /** Called by a moderator while no device was open. */
  async invited(by: string): Promise<void> {
    const ok = await confirm({
      title: 'You are invited on stage',
      text: `${by} wants to bring you on stage. Everybody here will see and hear you.`,
      yes: 'Get ready',
      no: 'Not now',
    });
    if (this.session.live || this.session.state === State.Closed) return;
    if (!ok) {
      await this.attempt(this.session.unpublish());
      return;
    }
    await this.stage();
    if (!this.session.live && !this.going && !this.devices.open) await this.attempt(this.session.unpublish());
  }

  private async enter(): Promise<void> {
    if (!this.devices.open) return this.deviceTrouble();
    this.going = true;
    await this.syncing;
    const {camera, microphone, muted} = this.devices;
    Object.assign(this.given, {camera, microphone, muted});
    await this.attempt(this.session.publish(this.devices.tracks, {muted: this.devices.muted}));
    this.going = false;
    this.changed();
  }

  private async leaveStage(): Promise<void> {
    if (await this.attempt(this.session.unpublish())) this.devices.stop();
    this.changed();
  }

  /** Give the session what `Devices` has now; one change after the other. */
  sync(): void {
    this.syncing = this.syncing.then(() => this.syncOnce()).catch(error => complain(wordsOfError(error)));
  }

  private async syncOnce(): Promise<void> {
    const {session, devices, given} = this;
    if (devices.busy || this.going) return;
    const {camera, microphone, muted} = devices;
    const before = {...given};
    Object.assign(given, {camera, microphone, muted});
    if (camera !== before.camera) await session.setCamera(camera);
    if (microphone !== before.microphone) await session.setMicrophone(microphone);
    if (muted !== before.muted && session.live) await session.mute(muted);
    this.changed();
  }

  /** Devices and output, at any time. */
  async settings(): Promise<void> {
    const mayBeHeard = this.session.live || this.session.can('publish') || this.session.can('raise-hand');
    const wasOpen = this.devices.open;
    if (mayBeHeard) void this.devices.start();
    await askDevices({
      title: 'Devices and sound',
      text: this.session.live ? 'Changes are seen and heard at once.' : '',
      ok: '',
      cancel: 'Done',
    });
    if (!wasOpen && !this.session.live) this.devices.stop();
  }

  /** The most that shall be received; remembered by the session alone. */
  async quality(limit: Limit): Promise<void> {
    if (await this.attempt(this.session.setQuality(limit))) this.limit = limit;
    this.changed();
  }

  /** Moderators: bring somebody on stage. */
  async promote(participant: string, name: string): Promise<void> {
    if (await this.attempt(this.session.promote(participant))) toast(`${name} is invited on stage.`);
  }

  /** Moderators: back to the audience. */
  async demote(participant: string, name: string): Promise<void> {
    if (await this.attempt(this.session.demote(participant))) toast(`${name} is in the audience now.`);
  }

  /** Moderators: mute another, who may unmute himself. */
  async muteOther(participant: string, name: string): Promise<void> {
    if (await this.attempt(this.session.mute(true, participant))) toast(`${name} was muted.`);
  }

  /** Moderators: lower another's hand. */
  async lower(participant: string): Promise<void> {
    await this.attempt(this.session.raiseHand(false, participant));
  }

  /** Moderators: put somebody out, once asked. */
  async remove(participant: string, name: string): Promise<void> {
    const sure = await confirm({
      title: `Remove ${name}?`,
      text: 'They leave at once, and cannot come back with the same link.',
      yes: 'Remove',
      danger: true,
    });
    if (sure && (await this.attempt(this.session.remove(participant)))) toast(`${name} was removed.`);
  }

  /** Send a message; its number, or null when it was not sent. */
  async send(text: string, topic: string): Promise<number | null> {
    try {
      return await this.session.send(text, {topic});
    } catch (error) {
      complain(wordsOfError(error, navigator.onLine));
      return null;
    }
  }

  /** Leave; who is on stage is asked. */
  async leave(): Promise<void> {
    const question = {
      title: 'Leave the session?',
      text: 'You are on stage. Nobody will see or hear you any more.',
      yes: 'Leave',
      danger: true,
    };
    if (this.session.live && !(await confirm(question))) return;
    this.devices.stop();
    await this.session.leave().catch(() => undefined);
  }

  /** Where sound is played; remembered. */
  async output(id: string): Promise<void> {
    memory.set('output', id);
    await this.attempt(this.session.setAudioOutput(id));
  }

  private deviceTrouble(): void {
    if (this.devices.problem) complain(this.devices.problem);
  }

  private async attempt(doing: Promise<unknown>): Promise<boolean> {
    try {
      await doing;
      return true;
    } catch (error) {
      complain(wordsOfError(error, navigator.onLine));
      return false;
    } finally {
      this.changed();
    }
  }
}

function nameOf(error: unknown): string {
  const {reason, name} = error as {reason?: string; name?: string};
  return reason ?? name ?? '';
}
