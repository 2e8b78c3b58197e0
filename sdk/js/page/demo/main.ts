// The page without a gateway, in any of its states: `?state=eight-speakers`. Not shipped.

import {type LocalTracks, MediaProblem} from '../../src/index';
import {App} from '../app';
import type {Sdk} from '../sdk';
import {expose} from '../window';
import {microphone, person} from './pictures';
import {FakeSession} from './session';
import {SCENES} from './states';

const asked = new URLSearchParams(location.search).get('state') ?? 'watching';
const scene = SCENES[asked] ?? {};
const SETTLE_MS = 300;
const device = (id: string, label: string): {id: string; label: string} => ({id, label});
const DEVICES = {
  cameras: [device('c', 'Integrated camera')],
  microphones: [device('m', 'Desk microphone'), device('n', 'Headset')],
  speakers: [device('s', 'Built-in speakers')],
};

function link(): string {
  const claims = {sid: 'town-hall', sub: 'me', role: scene.role ?? 'viewer', rights: scene.rights ?? ['view']};
  const token = `e30.${btoa(JSON.stringify(claims))}.e30`;
  const view = asked.startsWith('prejoin') ? 'speak' : 'watch';
  return `#${new URLSearchParams({session: 'town-hall', token, view, name: 'Ines Duarte'}).toString()}`;
}

/** The state is reached: tests wait for it. */
function ready(): void {
  document.documentElement.dataset['demo'] = 'ready';
}

const sdk: Sdk = {
  connect: async () => {
    if (scene.forever) return new Promise(() => undefined);
    if (scene.refuse) throw scene.refuse();
    const joined = new FakeSession(
      {role: scene.role ?? 'viewer', rights: scene.rights ?? ['view'], ...scene.facts?.()},
    );
    setTimeout(() => {
      scene.then?.(joined);
      ready();
    }, SETTLE_MS);
    return joined;
  },
  prejoin: async () => ({
    camera: {ok: true, devices: []},
    microphone: {ok: true, devices: []},
    speakers: [],
    regions: [],
    measuredRtt: {'eu-central': 23.4},
    entries: [],
    turn: {present: false, reachable: false},
  }),
  devices: async () => DEVICES,
  capture: async wish => {
    if (scene.blocked) throw new MediaProblem('media-denied', 'camera', 'the browser does not allow it', 'allow it');
    const made: LocalTracks = {};
    if (wish?.camera) made.camera = person(5);
    if (wish?.microphone) made.microphone = microphone();
    return made;
  },
  captureScreen: async () => person(1),
};

history.replaceState(null, '', `${location.pathname}${location.search}${asked === 'start' ? '' : link()}`);
const app = new App(sdk);
expose(app, sdk);
void app.begin();
if (asked === 'start' || asked.startsWith('prejoin') || scene.forever || scene.refuse) setTimeout(ready, SETTLE_MS);
