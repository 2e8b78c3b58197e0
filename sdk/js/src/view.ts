// What is known of a session: follows from the answer to join and from events. Pure.

import {Event} from './api';
import type {EventDetail, Hands, Page, Person, Role, Roster, Seat, Stage} from './api';
import type * as wire from './messages';

/** One thing to tell listeners. */
export type Told = {[E in Event]: [E, EventDetail[E]]}[Event];

/** A session as it is told to be. */
export class View {
  id = '';
  participant = '';
  name = '';
  role: Role = 'viewer';
  rights: readonly string[] = [];
  region = '';
  codec = 'vp8';
  slots: readonly string[] = [];
  live = false;
  muted = false;
  stage: Stage = {seats: [], main: 'v1'};
  roster: Roster = {total: 0, viewers: 0, hands: 0, speakers: []};
  hands: Hands = {queue: [], place: 0};
  talking: ReadonlySet<string> = new Set();
  /** The newest number of an application's message. */
  last = 0;

  joined(answer: wire.Joined): void {
    const {session: id, participant, name = '', role, rights = [], region = '', codec, slots = []} = answer;
    Object.assign(this, {id, participant, name, role, rights, region, codec, slots});
    if (!answer.resumed) this.last = 0;
  }

  /** Take an event; answers what to tell, nothing where it says nothing new or nothing to applications. */
  take(event: wire.ServerEvent): Told | null {
    switch (event.event) {
      case 'role': {
        const {role, live = false, by = '', reason = ''} = event;
        [this.role, this.live] = [role, live];
        return [Event.Role, {role, live, by, reason}];
      }
      case 'stage':
        this.stage = {seats: (event.seats ?? []).map(seat), main: event.main || 'v1'};
        return [Event.Stage, this.stage];
      case 'talking':
        this.talking = new Set(event.participants ?? []);
        return [Event.Talking, this.talking];
      case 'muted':
        this.muted = event.on ?? false;
        return [Event.Muted, {on: this.muted, by: event.by ?? ''}];
      case 'roster': {
        const {total = 0, viewers = 0, hands = 0, speakers = []} = event;
        this.roster = {total, viewers, hands, speakers: speakers.map(person)};
        return [Event.Roster, this.roster];
      }
      case 'presence': {
        const {joined = [], left = [], changed = []} = event;
        return [Event.Presence, {joined: joined.map(person), left, changed: changed.map(person)}];
      }
      case 'hands':
        this.hands = {
          queue: (event.queue ?? []).map(({participant, name, since_s: sinceS}) => ({participant, name, sinceS})),
          place: event.place ?? 0,
        };
        return [Event.Hands, this.hands];
      case 'data': {
        if (event.n <= this.last) return null; // told once more after a resume
        const {n, sender, name = '', to = '', topic = '', data = ''} = event;
        this.last = n;
        return [Event.Data, {n, sender, name, to, topic, data}];
      }
      case 'quality': {
        const videos = (event.videos ?? []).map(({slot, layer = -1, reason = ''}) => ({slot, layer, reason}));
        return [Event.Quality, {network: event.network, videos}];
      }
      default:
        return null;
    }
  }
}

const seat = (told: wire.Seat): Seat => {
  const {slot, participant, name = '', source = 'camera'} = told;
  return {slot, participant, name, source};
};

const person = (told: wire.Person): Person => {
  const {participant, name = '', role = 'viewer', hand = false, muted = false, live = false} = told;
  return {participant, name, role, hand, muted, live};
};

/** A page of participants as applications see it. */
export const pageOf = ({participants = [], total = 0, next = ''}: wire.Page): Page => ({
  participants: participants.map(person),
  total,
  next,
});
