// What a button does in a session.

import {deepEqual, equal} from 'node:assert/strict';
import {afterEach, beforeEach, describe, it} from 'node:test';

import type {Session} from '../src/index';
import {Actions} from './actions';
import type {Devices} from './devices';
import type {Sdk} from './sdk';
import type {Heard} from './sound';

/** Somebody on stage with so much of a microphone; tells what the session was asked. */
function onStage(microphone: boolean, muted: boolean): {actions: Actions; asked: boolean[]} {
  const asked: boolean[] = [];
  const localTracks: {microphone?: object} = microphone ? {microphone: {}} : {};
  const session = {live: true, muted, localTracks, mute: async (on: boolean) => void asked.push(on)};
  const start = async (): Promise<boolean> => Boolean((localTracks.microphone = {}));
  const devices = {camera: null, microphone: null, muted, problem: null, start};
  const actions = new Actions(
    session as unknown as Session, {} as Sdk, devices as unknown as Devices, {} as Heard, () => undefined,
  );
  return {actions, asked};
}

describe('actions', () => {
  beforeEach(() => void Object.assign(globalThis, {document: {getElementById: () => ({textContent: ''})}}));
  afterEach(() => void Reflect.deleteProperty(globalThis, 'document'));

  it('the microphone button mutes who is heard, and lets be heard who is not', async () => {
    const said = async (microphone: boolean, muted: boolean): Promise<boolean[]> => {
      const {actions, asked} = onStage(microphone, muted);
      await actions.sound();
      return asked;
    };
    deepEqual([await said(true, false), await said(true, true)], [[true], [false]]);
    // Without a microphone the button says "Unmute", whatever is known of muting.
    deepEqual([await said(false, false), await said(false, true)], [[false], [false]]);
  });

  it('nobody says no to an invitation into a session that is over', async () => {
    const {actions} = onStage(true, false);
    const refused: string[] = [];
    const nothing = (): void => undefined;
    const dialog = {open: false, onclose: null as (() => void) | null, showModal: nothing, close: nothing};
    const part = {textContent: '', focus: nothing, dataset: {}};
    Object.assign(document, {activeElement: null, getElementById: (id: string) => (/dialog/.test(id) ? dialog : part)});
    const session = (actions as unknown as {session: Record<string, unknown>}).session;
    Object.assign(session, {live: false, state: 'closed', unpublish: async () => void refused.push('unpublish')});
    const invited = actions.invited('Ada');
    dialog.onclose?.();
    await invited;
    equal(refused.length, 0);
  });
});
