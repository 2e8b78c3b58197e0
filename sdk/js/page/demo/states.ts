// The states that the demo can show: `?state=…`.

import {type Person, type RaisedHand, type Role, type Seat, Event, RtcdnError, State} from '../../src/index';
import {microphone, person, screen} from './pictures';
import type {Facts, FakeSession} from './session';

/** One state: who one is, what the session says, and what happens then. */
export interface Scene {
  role?: Role;
  rights?: string[];
  facts?: () => Facts;
  /** After the page has joined. */
  then?: (session: FakeSession) => void;
  /** Joining fails with this, or never ends. */
  refuse?: () => Error;
  forever?: boolean;
  /** The device that cannot be opened. */
  blocked?: boolean;
}

const NAMES = [
  'Ada Okafor',
  'Bruno Keller',
  'Chiara Rossi',
  'David Lindqvist',
  'Emi Tanaka',
  'Farid Haddad',
  'Greta Novak',
  'Hugo Martins',
  'Isla Byrne',
  'Jonas Weber',
  'Κατερίνα Παππά',
  'ليلى منصور',
  '王小明',
  'Noor van Dijk',
  'Olu Adeyemi',
  'Priya Raman',
];
const somebody = (index: number, more: Partial<Person> = {}): Person => ({
  participant: `p${index}`,
  name: NAMES[index] ?? `Guest ${index}`,
  role: 'viewer',
  hand: false,
  muted: false,
  live: false,
  ...more,
});
const speaker = (index: number, more: Partial<Person> = {}): Person => somebody(
  index, {role: 'speaker', live: true, ...more},
);
const seat = (
  slot: string, index: number, source: 'camera' | 'screen' = 'camera',
): Seat => ({slot, participant: `p${index}`, name: NAMES[index] ?? '', source});
const crowd = (speakers: Person[]): Person[] => [
  ...speakers,
  ...NAMES.slice(speakers.length).map((_, index) => somebody(index + speakers.length, {hand: index === 1})),
];

/** So many on stage, with pictures in so many slots. */
function onStage(count: number, slots = Math.min(count, 4)): Facts {
  const speakers = Array.from({length: count}, (_, index) => speaker(index, {muted: index === 2}));
  const names = Array.from({length: slots}, (_, index) => `v${index + 1}`);
  return {
    stage: {main: 'v1', seats: names.map((slot, index) => seat(slot, index))},
    tracks: new Map(names.map((slot, index) => [slot, person(index)])),
    roster: {total: 1284, viewers: 1284 - count, hands: 3, speakers},
    people: crowd(speakers),
    talking: new Set(['p0']),
  };
}

function withMe(facts: Facts): Facts {
  const camera = person(5);
  const tracks = {camera, microphone: microphone()};
  const seats = [
    ...(facts.stage?.seats ?? []), {slot: 'v3', participant: 'me', name: 'Ines Duarte', source: 'camera' as const},
  ];
  const speakers = [...(facts.roster?.speakers ?? []), {...speaker(0), participant: 'me', name: 'Ines Duarte'}];
  return {
    ...facts,
    live: true,
    localTracks: tracks,
    stage: {main: 'v1', seats},
    roster: {total: 1284, viewers: 1281, hands: 0, speakers},
  };
}

const QUEUE: RaisedHand[] = [
  {participant: 'p6', name: 'Greta Novak', sinceS: 194},
  {participant: 'p11', name: 'ليلى منصور', sinceS: 61},
  {participant: 'p13', name: 'Noor van Dijk', sinceS: 12},
];
const CHAT: [number, string][] = [
  [8, 'Good evening from Dublin!'],
  [3, 'Sound and picture are perfect here.'],
  [3, 'Will the slides be shared afterwards?'],
  [0, 'Yes, with the recording, tomorrow.'],
  [11, 'مرحبا بالجميع'],
  [-1, 'Thank you! How many regions are on tonight?'],
  [0, 'Six. The chart shows them: the two in Asia came online this week and already carry a third of the viewers.'],
];

function chat(session: FakeSession): void {
  CHAT.forEach(
    ([index, data], at) => session.tell(
      Event.Data,
      {n: at + 1, sender: index < 0 ? 'me' : `p${index}`, name: NAMES[index] ?? '', to: '', topic: 'chat', data},
    ),
  );
}

const press = (id: string): void => document.getElementById(id)?.click();
const end = (reason: string) => (session: FakeSession): void => session.tell(
  Event.Closed, {reason, by: '', detail: ''}, {state: State.Closed},
);
const MODERATOR: Scene = {role: 'moderator', rights: ['view', 'publish', 'speak']};
const SPEAKER: Scene = {role: 'speaker', rights: ['view', 'publish', 'speak']};

/** All of them, by name. */
export const SCENES: Record<string, Scene> = {
  joining: {forever: true},
  start: {},
  prejoin: SPEAKER,
  'prejoin-blocked': {...SPEAKER, blocked: true},
  empty: {facts: () => ({roster: {total: 12, viewers: 12, hands: 0, speakers: []}})},
  watching: {facts: () => onStage(2)},
  sound: {facts: () => ({...onStage(1), audioBlocked: true})},
  'one-speaker': {facts: () => onStage(1)},
  'three-speakers': {facts: () => onStage(3)},
  'on-stage': {...SPEAKER, facts: () => withMe(onStage(2))},
  'eight-speakers': {facts: () => onStage(8)},
  'many-speakers': {facts: () => onStage(14)},
  screen: {facts: () => ({...onStage(3), ...withScreen(onStage(3))})},
  reconnecting: {
    facts: () => onStage(2),
    then: session => session.tell(
      Event.State, {state: State.Reconnecting, before: State.Live, attempt: 1}, {state: State.Reconnecting},
    ),
  },
  removed: {facts: () => onStage(1), then: end('removed')},
  closed: {facts: () => onStage(1), then: end('closed')},
  left: {facts: () => onStage(1), then: end('left')},
  elsewhere: {facts: () => onStage(1), then: end('taken-over')},
  refused: {refuse: () => new RtcdnError('gateway-full', 'this gateway holds 2000 participants', '', 503, 5)},
  unreachable: {refuse: () => new RtcdnError('transport', 'no gateway answers')},
  moderator: {
    ...MODERATOR,
    facts: () => ({...onStage(4), hands: {queue: QUEUE, place: 0}}),
    then: () => press('people-button'),
  },
  menu: {
    ...MODERATOR,
    facts: () => ({...onStage(4), hands: {queue: QUEUE, place: 0}}),
    then: () => (press('people-button'), (document.querySelector('#speakers [aria-haspopup]') as HTMLElement).click()),
  },
  remove: {
    ...MODERATOR,
    facts: () => onStage(4),
    then: () => (
      press('people-button'),
      (document.querySelector('#speakers [aria-haspopup]') as HTMLElement).click(),
      (document.querySelector('#menu .dangerous') as HTMLElement).click()
    ),
  },
  hand: {rights: ['view', 'speak'], facts: () => ({...onStage(2), handUp: true, hands: {queue: [], place: 2}})},
  invited: {
    rights: ['view', 'speak'],
    facts: () => onStage(2),
    then: session => session.tell(Event.Role, {role: 'speaker', live: false, by: 'p0', reason: ''}, {role: 'speaker'}),
  },
  messages: {facts: () => onStage(2), then: session => (chat(session), press('messages-button'))},
  'no-messages': {facts: () => onStage(2), then: () => press('messages-button')},
  statistics: {
    facts: () => onStage(3),
    then: session => {
      session.tell(
        Event.Quality,
        {
          network: 'fair',
          videos: [
            {slot: 'v1', layer: 1, reason: 'network'},
            {slot: 'v2', layer: 0, reason: 'window'},
            {slot: 'v3', layer: 0, reason: 'window'},
          ],
        },
      );
      setInterval(() => void session.statistics().then(now => session.tell(Event.Statistics, now)), 1000);
      press('quality');
    },
  },
  more: {rights: ['view', 'speak'], facts: () => onStage(2), then: () => press('more')},
  settings: {
    ...SPEAKER,
    facts: () => withMe(onStage(2)),
    then: () => (press('more'), (document.querySelector('#menu button:nth-of-type(3)') as HTMLElement).click()),
  },
  help: {facts: () => onStage(2), then: () => dispatchEvent(new KeyboardEvent('keydown', {key: '?'}))},
  muted: {
    ...SPEAKER,
    facts: () => withMe(onStage(2)),
    then: session => {
      session.tell(Event.Muted, {on: true, by: 'p0'}, {muted: true});
      session.tell(Event.Problem, new RtcdnError('stage-full', '', '', 409));
    },
  },
};

function withScreen(facts: Facts): Facts {
  const seats = [...(facts.stage?.seats ?? []), seat('s1', 0, 'screen')];
  return {stage: {main: 'v1', seats}, tracks: new Map([...(facts.tracks ?? []), ['s1', screen()]])};
}
